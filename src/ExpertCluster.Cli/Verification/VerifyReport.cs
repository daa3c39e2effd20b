using System.Globalization;
using System.Text.Json.Nodes;
using ExpertCluster.Cli.Output;

namespace ExpertCluster.Cli.Verification;

/// <summary>What <c>verify</c> found.</summary>
internal sealed record VerifyReport(string Model, double Tolerance, string? LogitsSha256, IReadOnlyList<Check> Checks)
{
    /// <summary>The one check that is yes or no.</summary>
    public const string GeneratedCheck = "generated";

    public string Directory { get; init; } = "";

    public int Nodes { get; init; }

    public int Threads { get; init; }

    /// <summary>The defect of the reference that had to be repeated to meet its answers; null where none had to.</summary>
    public string? ReferenceDefect { get; init; }

    public int PrintJson() => Json.Print(
        new JsonObject
        {
            ["directory"] = Directory,
            ["model"] = Model,
            ["nodes"] = Nodes,
            ["threads"] = Threads,
            ["tolerance"] = Tolerance,
            ["largestRelativeError"] = LargestError(),
            ["logitsSha256"] = LogitsSha256,
            ["referenceDefect"] = ReferenceDefect,
        },
        Checks);

    /// <summary>NaN when any error is: a maximum that skips it would hide it.</summary>
    private double LargestError()
    {
        var errors = Checks.Where(c => c.Name != GeneratedCheck).Select(c => c.Value).ToArray();
        return errors.Any(double.IsNaN) ? double.NaN : errors.DefaultIfEmpty(0).Max();
    }

    public int PrintText()
    {
        Console.Out.WriteLine($"{Model} on {Nodes} {(Nodes == 1 ? "node" : "nodes")}, {Threads} libtorch {(Threads == 1 ? "thread" : "threads")} each");
        foreach (var check in Checks)
        {
            var value = check.Name != GeneratedCheck
                ? check.Value.ToString("0.00e+00", CultureInfo.InvariantCulture)
                : check.Pass ? "identical" : "differs";
            Console.Out.WriteLine($"  {(check.Pass ? "ok  " : "FAIL")} {check.Name,-28} {value}");
        }

        if (LogitsSha256 is not null)
        {
            Console.Out.WriteLine($"  SHA-256 of the logits: {LogitsSha256}");
        }

        if (ReferenceDefect is not null)
        {
            Console.Out.WriteLine($"  met by repeating a defect of the reference: {ReferenceDefect}. Serving routes as the model was trained.");
        }

        var pass = Checks.All(c => c.Pass);
        Console.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{(pass ? "verified" : "NOT verified")} within {Tolerance} of the largest reference value"));
        return pass ? 0 : 1;
    }
}
