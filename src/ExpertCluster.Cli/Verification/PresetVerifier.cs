using ExpertCluster.Cli.Output;
using ExpertCluster.Moe.Presets;
using ExpertCluster.Moe.Routing;
using static TorchSharp.torch;

namespace ExpertCluster.Cli.Verification;

/// <summary>Whether the catalogue holds what it says. Runs on a device executor's thread.</summary>
internal static class PresetVerifier
{
    private const int Hidden = 8;
    private const int Experts = 8;
    private const int Tokens = 4;

    /// <summary>Finds each preset under its name, makes a gate of it, and lets that decide.</summary>
    public static List<Check> Run()
    {
        List<Check> checks =
        [
            Check.AtLeast("catalogue.names", GatePresets.All.Select(p => p.Name).Distinct(StringComparer.Ordinal).Count(), GatePresets.All.Count),
        ];
        foreach (var preset in GatePresets.All)
        {
            using var scope = NewDisposeScope();
            using var generator = new Generator(1, CPU);
            using var gate = GatePresets.Get(preset.Name).Create(
                new GateSettings { Hidden = Hidden, Experts = Experts, Generator = generator, Vocabulary = Tokens });
            var input = new GateInput(randn([Tokens, Hidden], generator: generator)) { TokenIds = arange(Tokens, dtype: ScalarType.Int64) };
            var result = gate.Route(input, new RoutingContext { Generator = generator });
            checks.Add(Check.That(
                $"{preset.Name}.decides", gate.Experts == Experts && result.Assignment.Tokens == Tokens && gate.Gradient == preset.Gradient));
        }

        return checks;
    }
}
