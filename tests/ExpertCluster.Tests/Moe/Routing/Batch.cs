using CsCheck;
using ExpertCluster.Moe.Presets;
using ExpertCluster.Moe.Routing;
using ExpertCluster.Tensors;
using static TorchSharp.torch;

namespace ExpertCluster.Tests.Moe.Routing;

/// <summary>Random logits for property tests.</summary>
internal sealed record Batch(float[] Values, int Tokens, int Experts, int K)
{
    /// <summary>Few distinct values half of the time, so that ties are common.</summary>
    public static Gen<Batch> Gen { get; } =
        CsCheck.Gen.Select(CsCheck.Gen.Int[0, 24], CsCheck.Gen.Int[1, 9]).SelectMany((tokens, experts) => CsCheck.Gen.Select(
            CsCheck.Gen.OneOf(CsCheck.Gen.Int[-2, 2].Select(i => (float)i), CsCheck.Gen.Float[-8, 8]).Array[tokens * experts],
            CsCheck.Gen.Int[1, experts],
            (values, k) => new Batch(values, tokens, experts, k)));

    public Tensor Logits => tensor(Values).reshape(Tokens, Experts);

    public static void Sample(Action<Batch> check, int iterations = 150)
    {
        LibTorch.Load();
        Gen.Sample(
            batch =>
            {
                using var scope = NewDisposeScope();
                check(batch);
            },
            iter: iterations);
    }

    /// <summary>A gate of a preset on random rows, small enough for every preset.</summary>
    public static Gate Create(string preset, Generator generator, Func<GateSettings, GateSettings>? change = null)
    {
        var settings = new GateSettings { Hidden = 6, Experts = 8, Generator = generator, Vocabulary = 50 };
        return GatePresets.Get(preset).Create(change?.Invoke(settings) ?? settings);
    }
}
