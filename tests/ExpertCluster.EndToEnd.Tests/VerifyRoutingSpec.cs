using System.Runtime.InteropServices;
using System.Text.Json;
using ExpertCluster.Tensors.Checkpoints;

namespace ExpertCluster.EndToEnd.Tests;

public sealed class VerifyRoutingSpec
{
    private static string Golden => Path.Combine(AppContext.BaseDirectory, "Goldens", "routing.safetensors");

    [Fact]
    public async Task Every_decision_of_the_references_is_met()
    {
        var (code, json) = await CliProcess.RunJsonAsync("verify-routing", Golden);
        code.Should().Be(0, json.ToString());
        json.GetProperty("problems").EnumerateObject().Should().BeEmpty();
    }

    [Fact]
    public async Task A_case_without_a_decision_fails_under_its_own_name_and_the_others_run_all_the_same()
    {
        using var directory = new TemporaryDirectory();
        var path = directory.Of("routing.safetensors");
        var (nan, masked) = Damage(path);
        var (_, whole) = await CliProcess.RunJsonAsync("verify-routing", Golden);
        var (code, json) = await CliProcess.RunJsonAsync("verify-routing", path);
        code.Should().Be(1);
        Failed(json).Should().BeEquivalentTo(nan, masked);
        Passed(json).Should().BeEquivalentTo(Passed(whole).Where(name => !name!.StartsWith(nan + ".", StringComparison.Ordinal) && !name.StartsWith(masked + ".", StringComparison.Ordinal)));
        json.GetProperty("cases").GetInt32().Should().Be(whole.GetProperty("cases").GetInt32());
        json.GetProperty("problems").GetProperty(nan).GetString().Should().Contain("row 0").And.Contain("not finite");
        json.GetProperty("problems").GetProperty(masked).GetString().Should().Contain("row 0").And.Contain("every expert is masked");

        var (again, output, error) = await CliProcess.RunAsync("verify-routing", path);
        again.Should().Be(1);
        output.Should().Contain($"FAIL {nan} ").And.Contain("2 failed");
        error.Should().Contain("routing.safetensors").And.Contain(nan).And.Contain(masked);
    }

    /// <summary>Copies the golden, with a NaN in one case's first row and nothing but −∞ in another's.</summary>
    private static (string Nan, string Masked) Damage(string path)
    {
        List<TensorToWrite> all = [];
        List<string> damaged = [];
        using (var file = SafetensorsFile.Open(Golden))
        {
            foreach (var entry in file.Entries.OrderBy(e => e.Name, StringComparer.Ordinal))
            {
                var bytes = file.Raw(entry.Name).ToArray();
                if (entry.Name.EndsWith(".logits", StringComparison.Ordinal) && damaged.Count < 2)
                {
                    var values = MemoryMarshal.Cast<byte, float>(bytes.AsSpan());
                    values[..(damaged.Count == 0 ? 1 : (int)entry.Shape[^1])].Fill(damaged.Count == 0 ? float.NaN : float.NegativeInfinity);
                    damaged.Add(entry.Name[..^".logits".Length]);
                }

                all.Add(TensorToWrite.Bytes(entry.Name, entry.Type, entry.Shape, bytes));
            }
        }

        SafetensorsWriter.Write(path, [.. all]);
        return (damaged[0], damaged[1]);
    }

    private static IEnumerable<string?> Failed(JsonElement json) => Names(json, pass: false);

    private static IEnumerable<string?> Passed(JsonElement json) => Names(json, pass: true);

    private static IEnumerable<string?> Names(JsonElement json, bool pass) => json.GetProperty("checks").EnumerateArray()
        .Where(c => c.GetProperty("pass").GetBoolean() == pass).Select(c => c.GetProperty("name").GetString());
}
