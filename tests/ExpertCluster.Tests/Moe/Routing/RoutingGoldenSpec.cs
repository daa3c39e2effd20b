using System.Text.RegularExpressions;
using ExpertCluster.Moe.Losses;
using ExpertCluster.Moe.Routing;
using ExpertCluster.Tensors;
using ExpertCluster.Tensors.Checkpoints;
using static TorchSharp.torch;

namespace ExpertCluster.Tests.Moe.Routing;

public sealed partial class RoutingGoldenSpec
{
    [Fact]
    public void Decisions_equal_those_of_flaxformer_and_vmoe()
    {
        LibTorch.Load();
        using SafetensorsFile file = SafetensorsFile.Open(Path.Combine(AppContext.BaseDirectory, "Goldens", "routing.safetensors"));
        int cases = 0;
        foreach (string key in file.Entries.Select(e => e.Name).Where(n => n.EndsWith(".logits", StringComparison.Ordinal)).Select(n => n[..^7]))
        {
            using var scope = NewDisposeScope();
            Match parts = Parts().Match(key);
            double factor = double.Parse(parts.Groups[3].Value, System.Globalization.CultureInfo.InvariantCulture);
            bool flaxformer = parts.Groups[2].Value == "C";
            Tensor logits = file.Read(key + ".logits", CPU, ScalarType.Float32);
            logits = logits.reshape(-1, logits.shape[^1]);
            GateResult result = new RoutingPolicy
            {
                Score = new SoftmaxScores(),
                Select = new TopKChoices(int.Parse(parts.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture)),
                Weights = new ProbabilityWeights(),
                Capacity = new CapacityPolicy(flaxformer ? CapacityConventions.Fixed : CapacityConventions.VMoe, factor, factor)
                {
                    Priority = parts.Groups[4].Value == "1" ? OverflowPriority.BatchPriority : OverflowPriority.ChoiceMajor,
                },
            }.Route(new RouterOutput(logits), RoutingContext.Evaluation);
            float[] combine = file.ReadFloats(key + (flaxformer ? ".combine" : ".combine_weights"));
            float[] actual = result.Slots.CombineWeights().Values<float>();
            actual.Length.Should().Be(combine.Length);
            actual.Zip(combine).Should().OnlyContain(pair => Math.Abs(pair.First - pair.Second) <= 1e-5f * pair.Second, key);
            if (flaxformer)
            {
                result.Slots.DispatchMask().to(ScalarType.Int64).Values<long>().Should().Equal(file.ReadLongs(key + ".dispatch"));
            }

            (string Name, Tensor Value)[] losses = flaxformer
                ? [("aux_loss", LoadBalancingLoss.Union(result.Scores!.Probabilities, result.Selection!.Experts)), ("z_loss", RouterZLoss.Compute(logits))]
                :
                [
                    ("gshard_loss", LoadBalancingLoss.FirstChoice(result.Scores!.Probabilities, result.Selection!.Experts)),
                    ("importance_loss", ImportanceLoss.Compute(result.Scores.Probabilities, ImportanceVariance.Population)),
                    ("load_loss", LoadLoss.VMoe(logits, file.Read(key + ".logits_noisy", CPU, ScalarType.Float32), null, (int)result.Selection.Experts.shape[1])),
                ];
            foreach ((string name, Tensor value) in losses)
            {
                float expected = file.ReadFloats($"{key}.{name}")[0];
                value.item<float>().Should().BeApproximately(expected, 1e-5f * expected, $"{key}.{name}");
            }

            cases++;
        }

        cases.Should().Be(20);
    }

    [GeneratedRegex(@"\.K(\d+)\.(C|cf)([\d.]+)\.bpr([01])$")]
    private static partial Regex Parts();
}
