using System.Text.Json;
using ExpertCluster.Tensors.Checkpoints;

namespace ExpertCluster.EndToEnd.Tests;

public sealed class VerifySpec
{
    private static string Tiny => Golden("mixtral-tiny");

    [Theory]
    [InlineData("mixtral-tiny")]
    [InlineData("olmoe-tiny")]
    [InlineData("qwen3-moe-tiny")]
    [InlineData("switch-tiny")]
    [InlineData("nllb-moe-tiny")]
    [InlineData("folio-moe")]
    [InlineData("folio-moe-skewed")]
    public async Task Every_reference_answer_is_met_with_the_same_bits_on_one_and_three_nodes(string model)
    {
        var hashes = new List<string?>();
        foreach (var nodes in new[] { "1", "3" })
        {
            var (code, json) = await CliProcess.RunJsonAsync("verify", Golden(model), "--nodes", nodes);
            code.Should().Be(0, json.ToString());
            json.GetProperty("checks").EnumerateArray().Should().OnlyContain(c => c.GetProperty("pass").GetBoolean());
            json.GetProperty("checks").EnumerateArray().Select(c => c.GetProperty("name").GetString()).Should().Contain("generated");
            hashes.Add(json.GetProperty("logitsSha256").GetString());
        }

        hashes[1].Should().Be(hashes[0]);
    }

    [Fact]
    public async Task A_reference_that_differs_fails_and_is_named()
    {
        using var directory = new TemporaryDirectory().With(Tiny);
        Change(directory.Of("golden.safetensors"), "router_logits.1", 6);
        var (code, json) = await CliProcess.RunJsonAsync("verify", directory.Path);
        code.Should().Be(1);
        Failed(json).Should().Equal("router_logits.1");
    }

    [Fact]
    public async Task A_generated_token_that_differs_fails()
    {
        using var directory = new TemporaryDirectory().With(Tiny);
        Change(directory.Of("golden.safetensors"), "generated", 40 * sizeof(long));
        var (code, json) = await CliProcess.RunJsonAsync("verify", directory.Path);
        code.Should().Be(1);
        Failed(json).Should().Equal("generated");
    }

    [Fact]
    public async Task A_golden_tensor_nobody_knows_is_an_error()
    {
        using var directory = new TemporaryDirectory().With(Tiny);
        var path = directory.Of("golden.safetensors");
        var bytes = File.ReadAllBytes(path);
        var at = bytes.AsSpan().IndexOf("aux_loss"u8);
        "sux_loss"u8.CopyTo(bytes.AsSpan(at));
        File.WriteAllBytes(path, bytes);
        var (code, _, error) = await CliProcess.RunAsync("verify", directory.Path);
        code.Should().Be(2);
        error.Should().Contain("sux_loss").And.Contain("golden.safetensors");
    }

    [Fact]
    public async Task Answers_of_a_reference_with_a_known_defect_are_met_by_repeating_it_and_that_is_said()
    {
        var (code, json) = await CliProcess.RunJsonAsync("verify", Golden("nllb-moe-tiny"));
        code.Should().Be(0);
        json.GetProperty("referenceDefect").GetString().Should().Contain("transformers 5.17.0");
        (_, json) = await CliProcess.RunJsonAsync("verify", Golden("switch-tiny"));
        json.GetProperty("referenceDefect").ValueKind.Should().Be(JsonValueKind.Null);
    }

    [Theory]
    [InlineData("mixtral-tiny", "encoder_hidden_states.0", "hidden_states.0")]
    [InlineData("switch-tiny", "hidden_states.0", "decoder_hidden_states.0")]
    [InlineData("switch-tiny", "aux_loss", "encoder_last_hidden_state")]
    public async Task A_golden_tensor_of_another_kind_of_model_is_an_error(string model, string name, string instead)
    {
        using var directory = new TemporaryDirectory().With(Golden(model));
        Rename(directory.Of("golden.safetensors"), instead, name);
        var (code, _, error) = await CliProcess.RunAsync("verify", directory.Path);
        code.Should().Be(2, error);
        error.Should().Contain("golden.safetensors").And.Contain(name);
    }

    [Fact]
    public async Task A_golden_tensor_of_another_shape_is_an_error()
    {
        using var directory = new TemporaryDirectory().With(Tiny);
        Rewrite(directory.Of("golden.safetensors"), entry => entry.Name == "logits" ? (entry.Name, [24, 2, 256]) : (entry.Name, entry.Shape));
        var (code, _, error) = await CliProcess.RunAsync("verify", directory.Path);
        code.Should().Be(2, error);
        error.Should().Contain("logits").And.Contain("[24, 2, 256]").And.Contain("[2, 24, 256]");
    }

    [Fact]
    public async Task Several_generated_texts_are_an_error_that_names_the_tensor()
    {
        using var directory = new TemporaryDirectory().With(Tiny);
        Rewrite(directory.Of("golden.safetensors"), entry => entry.Name == "generated" ? (entry.Name, [2, 24]) : (entry.Name, entry.Shape));
        var (code, _, error) = await CliProcess.RunAsync("verify", directory.Path);
        code.Should().Be(2, error);
        error.Should().Contain("golden.safetensors").And.Contain("generated").And.Contain("2 sequences");
    }

    /// <summary>A checkpoint's directory among the goldens, or the name of a model that comes along.</summary>
    private static string Golden(string model) =>
        model.StartsWith("folio", StringComparison.Ordinal) ? model : Path.Combine(AppContext.BaseDirectory, "Goldens", model);

    private static void Rename(string path, string from, string to) =>
        Rewrite(path, entry => (entry.Name == from ? to : entry.Name, entry.Shape));

    private static void Rewrite(string path, Func<TensorEntry, (string Name, long[] Shape)> change)
    {
        List<TensorToWrite> all = [];
        using (var file = SafetensorsFile.Open(path))
        {
            foreach (var entry in file.Entries)
            {
                var (name, shape) = change(entry);
                all.Add(TensorToWrite.Bytes(name, entry.Type, shape, file.Raw(entry.Name).ToArray()));
            }
        }

        SafetensorsWriter.Write(path, [.. all]);
    }

    private static IEnumerable<string?> Failed(JsonElement json) => json.GetProperty("checks").EnumerateArray()
        .Where(c => !c.GetProperty("pass").GetBoolean()).Select(c => c.GetProperty("name").GetString());

    /// <summary>Flips a bit that matters in one byte of a tensor.</summary>
    private static void Change(string path, string tensor, int offset)
    {
        var bytes = File.ReadAllBytes(path);
        int start;
        using (var file = SafetensorsFile.Open(path))
        {
            start = bytes.AsSpan().IndexOf(file.Raw(tensor));
        }

        bytes[start + offset] ^= 0x04;
        File.WriteAllBytes(path, bytes);
    }
}
