using ExpertCluster.Cli.Output;
using ExpertCluster.Moe.Losses;
using ExpertCluster.Moe.Routing;
using ExpertCluster.Tensors.Checkpoints;
using static TorchSharp.torch;

namespace ExpertCluster.Cli.Verification;

/// <summary>Recomputes every decision of a routing golden. Runs on a device executor's thread.</summary>
internal static class RoutingVerifier
{
    /// <summary>Largest difference of a float, relative to the reference's value.</summary>
    public const double Tolerance = 1e-5;

    /// <summary>Recomputes all cases. One whose logits no decision can be made from fails under its own name; the others run all the same.</summary>
    /// <exception cref="CheckpointException">A tensor is not what its key says.</exception>
    public static RoutingVerification Run(RoutingGolden golden)
    {
        var (checks, problems) = (new List<Check>(), new Dictionary<string, string>(StringComparer.Ordinal));
        foreach (var one in golden.Cases)
        {
            using var scope = NewDisposeScope();
            try
            {
                checks.AddRange(one.Source == "flaxformer" ? Flaxformer(golden.File, one) : VMoe(golden.File, one));
            }
            catch (NotFiniteNumberException e)
            {
                checks.Add(Check.That(one.Key, false));
                problems.Add(one.Key, e.Message);
            }
        }

        return new RoutingVerification(checks, problems);
    }

    /// <summary>google/flaxformer's tokens-choose masked router: groups first, capacity from the key.</summary>
    private static IEnumerable<Check> Flaxformer(SafetensorsFile file, RoutingCase one)
    {
        var shape = file[one.Name("logits")].Shape;
        if (shape.Length != 3)
        {
            throw Shape(file, one, "logits", "[groups, T, E]");
        }

        var groups = shape[0];
        var logits = Read(file, one, "logits", [groups, one.Tokens, one.Experts]).reshape(groups * one.Tokens, one.Experts);
        // A reference with room for nothing keeps nothing; a capacity policy needs room.
        var capacity = one.Capacity is > 0 and { } c ? c : throw new CheckpointException(file.Path, one.Key, "has a capacity of 0.");
        var result = Policy(one, new CapacityPolicy(CapacityConventions.Fixed, capacity, capacity), (int)groups)
            .Route(new RouterOutput(logits), RoutingContext.Evaluation);
        var slots = result.Slots;
        long[] form = [groups, one.Tokens, one.Experts, capacity];
        foreach (var tensor in one.Tensors)
        {
            switch (tensor)
            {
                case "dispatch":
                    var expected = Expect(file, one, tensor, form).ReadLongs(one.Name(tensor));
                    yield return Exact(one, tensor, expected, slots.DispatchMask().to(ScalarType.Int64).data<long>().ToArray());
                    break;
                case "combine":
                    yield return Close(file, one, tensor, form, slots.CombineWeights());
                    break;
                case "aux_loss":
                    yield return Close(
                        file, one, tensor, [1], LoadBalancingLoss.Union(result.Scores!.Probabilities, result.Selection!.Experts, (int)groups));
                    break;
                case "z_loss":
                    yield return Close(file, one, tensor, [1], RouterZLoss.Compute(logits));
                    break;
            }
        }
    }

    /// <summary>google-research/vmoe's einsum dispatcher: capacity from its factor by its own convention.</summary>
    private static IEnumerable<Check> VMoe(SafetensorsFile file, RoutingCase one)
    {
        var logits = Read(file, one, "logits", [one.Tokens, one.Experts]);
        var capacity = new CapacityPolicy(CapacityConventions.VMoe, one.Factor!.Value, one.Factor.Value);
        var result = Policy(one, capacity, 1).Route(new RouterOutput(logits), RoutingContext.Evaluation);
        var probabilities = result.Scores!.Probabilities;
        foreach (var tensor in one.Tensors)
        {
            switch (tensor)
            {
                case "combine_weights":
                    long[] form = [one.Tokens, one.Experts, result.Slots.Capacity!.Value];
                    var expected = Expect(file, one, tensor, form).ReadFloats(one.Name(tensor)).Select(v => v != 0 ? 1L : 0).ToArray();
                    yield return Exact(one, "dispatch (of combine_weights)", expected, result.Slots.DispatchMask().to(ScalarType.Int64).data<long>().ToArray());
                    yield return Close(file, one, tensor, form, result.Slots.CombineWeights());
                    break;
                case "gshard_loss":
                    yield return Close(file, one, tensor, [1], LoadBalancingLoss.FirstChoice(probabilities, result.Selection!.Experts));
                    break;
                case "importance_loss":
                    yield return Close(file, one, tensor, [1], ImportanceLoss.Compute(probabilities, ImportanceVariance.Population));
                    break;
                case "load_loss":
                    var noisy = Read(file, one, "logits_noisy", [one.Tokens, one.Experts]);
                    yield return Close(file, one, tensor, [1], LoadLoss.VMoe(logits, noisy, null, one.Choices));
                    break;
            }
        }
    }

    private static RoutingPolicy Policy(RoutingCase one, CapacityPolicy capacity, int groups) => new()
    {
        Score = new SoftmaxScores(),
        Select = new TopKChoices(one.Choices),
        Capacity = capacity with { Priority = one.BatchPriority ? OverflowPriority.BatchPriority : OverflowPriority.ChoiceMajor },
        Weights = new ProbabilityWeights(),
        Groups = groups,
    };

    private static Tensor Read(SafetensorsFile file, RoutingCase one, string tensor, long[] shape) =>
        file.Read(one.Name(tensor), CPU, ScalarType.Float32, shape);

    private static SafetensorsFile Expect(SafetensorsFile file, RoutingCase one, string tensor, long[] shape)
    {
        file.Expect(one.Name(tensor), shape);
        return file;
    }

    private static Check Exact(RoutingCase one, string tensor, long[] expected, long[] actual)
    {
        // A reference may hold anything but 0 and 1 by mistake; that differs too.
        var differences = expected.Zip(actual).Count(pair => pair.First != pair.Second);
        return Check.AtMost(one.Name(tensor), differences, 0);
    }

    private static Check Close(SafetensorsFile file, RoutingCase one, string tensor, long[] shape, Tensor actual)
    {
        var expected = Expect(file, one, tensor, shape).ReadFloats(one.Name(tensor));
        var values = actual.reshape(-1).to(ScalarType.Float32).data<float>().ToArray();
        return Check.AtMost(one.Name(tensor), ElementwiseError(expected, values), Tolerance);
    }

    /// <summary>Largest difference relative to each value itself; infinite where a 0 is missed, NaN where either is NaN.</summary>
    private static double ElementwiseError(float[] expected, float[] actual)
    {
        double worst = 0;
        for (var i = 0; i < expected.Length; i++)
        {
            var difference = Math.Abs((double)expected[i] - actual[i]);
            if (double.IsNaN(difference))
            {
                return double.NaN;
            }

            worst = Math.Max(worst, difference == 0 ? 0 : difference / Math.Abs((double)expected[i]));
        }

        return worst;
    }

    private static CheckpointException Shape(SafetensorsFile file, RoutingCase one, string tensor, string expected) =>
        new(file.Path, one.Name(tensor), $"has shape {file[one.Name(tensor)].ShapeText}, expected {expected}.");
}
