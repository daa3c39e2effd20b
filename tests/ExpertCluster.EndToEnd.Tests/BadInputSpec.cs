using System.Net;
using System.Net.Sockets;
using System.Text;
using ExpertCluster.Tensors.Checkpoints;

namespace ExpertCluster.EndToEnd.Tests;

/// <summary>Whatever is wrong: one clear line that names it, an exit code that is not 0, no stack trace.</summary>
public sealed class BadInputSpec
{
    private static string Folio => Path.Combine(AppContext.BaseDirectory, "config", "models", "folio-moe");

    public static TheoryData<string, string[], string> Calls => new()
    {
        { "empty prompt", ["generate", "--prompt", ""], "--prompt is empty" },
        { "no prompt", ["generate"], "--prompt" },
        { "max tokens", ["generate", "--prompt", "x", "--max-tokens", "0"], "--max-tokens is 0" },
        { "not a number", ["generate", "--prompt", "x", "--max-tokens", "many"], "many" },
        { "temperature", ["generate", "--prompt", "x", "--temperature", "-1"], "--temperature is -1" },
        { "top p", ["generate", "--prompt", "x", "--top-p", "0"], "--top-p is 0" },
        { "nodes", ["generate", "--prompt", "x", "--nodes", "0"], "nodes must be 1 to 64" },
        { "unknown option", ["generate", "--prompt", "x", "--bogus"], "--bogus" },
        { "unknown command", ["frobnicate"], "frobnicate" },
        { "missing model", ["generate", "--prompt", "x", "--model", "./nowhere"], "'./nowhere' is no directory" },
        { "long prompt", ["generate", "--nodes", "1", "--prompt", string.Concat(Enumerable.Repeat("word ", 600))], "the context of folio-moe holds 512" },
        { "tolerance", ["verify", "folio-moe", "--tolerance", "7"], "--tolerance is 7" },
        { "unknown role", ["node", "--model", "folio-moe", "--role", "manager"], "ExpertCluster:Node:Roles = manager: unknown role" },
        { "out of range", ["node", "--model", "folio-moe", "--set", "Gateway:MaxActive=0"], "ExpertCluster:Gateway:MaxActive = 0: must be 1 to 4096" },
        { "unknown key", ["node", "--model", "folio-moe", "--set", "Gateway:MaxActiv=3"], "MaxActiv" },
        { "wrong type", ["node", "--model", "folio-moe", "--set", "Gateway:MaxActive=three"], "MaxActive" },
        { "memory", ["generate", "--prompt", "x", "--memory-mb", "9999999999999"], "--memory-mb is 9999999999999" },
        { "missing config", ["node", "--config", "nowhere.json"], "nowhere.json: no such file" },
        { "unreachable seed", ["node", "--model", "folio-moe", "--seed", "127.0.0.1:1", "--set", "Node:JoinTimeout=00:00:02"], "127.0.0.1:1" },
        { "no such gateway", ["generate", "--prompt", "x", "--connect", "127.0.0.1:1"], "127.0.0.1:1" },
        { "device", ["node", "--model", "folio-moe", "--device", "cuda:7"], "cuda:7" },
        { "bench sizes", ["bench", "layer", "--top-k", "9", "--experts", "8"], "--top-k is 9" },
        { "bench tokens", ["bench", "layer", "--tokens", "1,x"], "--tokens has 'x'" },
    };

    public static TheoryData<string, string> Checkpoints => new()
    {
        { "no config", "config.json" },
        { "no weights", "model.safetensors" },
        { "truncated weights", "model.safetensors" },
        { "absurd header", "model.safetensors" },
        { "header is no JSON", "model.safetensors" },
        { "unknown model type", "model_type" },
        { "config is no JSON", "config.json" },
        { "config lacks a key", "hidden_size" },
        { "tokenizer is no JSON", "tokenizer.json" },
        { "tokenizer of another kind", "tokenizer.json" },
        { "tensor missing", "model.norm.weight" },
        { "shape differs", "model.embed_tokens.weight" },
    };

    [Theory]
    [MemberData(nameof(Calls))]
    public async Task A_wrong_call_is_told_in_one_line(string what, string[] arguments, string named)
    {
        var (code, output, error) = await CliProcess.RunAsync(arguments);
        Check(what, code, output, error, named);
    }

    [Theory]
    [MemberData(nameof(Checkpoints))]
    public async Task A_damaged_checkpoint_is_told_in_one_line(string what, string named)
    {
        using var directory = new TemporaryDirectory().With(Folio);
        Damage(directory, what);
        var (code, output, error) = await CliProcess.RunAsync("generate", "--nodes", "2", "--prompt", "x", "--model", directory.Path);
        Check(what, code, output, error, named);
        code.Should().Be(2);
    }

    [Fact]
    public async Task With_json_the_error_is_an_object_whose_check_failed()
    {
        var (code, json) = await CliProcess.RunJsonAsync("generate", "--prompt", "x", "--max-tokens", "0");
        code.Should().Be(2);
        json.GetProperty("error").GetString().Should().Contain("--max-tokens");
        json.GetProperty("checks")[0].GetProperty("pass").GetBoolean().Should().BeFalse();
    }

    [Theory]
    [InlineData("--port")]
    [InlineData("--gateway-port")]
    public async Task A_port_in_use_is_named(string option)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        var (code, output, error) = await CliProcess.RunAsync("node", "--model", "folio-moe", option, $"{port}");
        Check(option, code, output, error, $"{port}");
        error.Should().Contain("in use");
    }

    [Fact]
    public async Task An_expert_that_can_not_be_used_is_told_with_its_reason()
    {
        using var directory = new TemporaryDirectory().With(Folio);
        var weights = directory.Of("model.safetensors");
        var bytes = File.ReadAllBytes(weights);
        using (var file = SafetensorsFile.Open(weights))
        {
            var raw = file.Raw("model.layers.1.block_sparse_moe.experts.3.w1.weight");
            bytes.AsSpan(bytes.AsSpan().IndexOf(raw), raw.Length).Fill(0xFF);
        }

        File.WriteAllBytes(weights, bytes);
        var (code, output, error) = await CliProcess.RunAsync("generate", "--nodes", "1", "--prompt", "x", "--model", directory.Path);
        Check("not finite", code, output, error, "expert 3: its weights turn the probe's rows into numbers that are not finite");
        error.Should().Contain("layer 1").And.Contain(directory.Path);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{ "ExpertClusterr": { "Models": [] } }""")]
    public async Task A_config_file_without_the_section_is_named(string content)
    {
        using var directory = new TemporaryDirectory();
        File.WriteAllText(directory.Of("node.json"), content);
        var (code, output, error) = await CliProcess.RunAsync("node", "--config", directory.Of("node.json"));
        Check("no section", code, output, error, "node.json: has no section ExpertCluster");
    }

    private static void Check(string what, int code, string output, string error, string named)
    {
        code.Should().NotBe(0, what);
        var lines = error.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(l => l.StartsWith("error:", StringComparison.Ordinal)).ToArray();
        lines.Should().ContainSingle($"{what}: {error}").Which.Should().Contain(named);
        (error + output).Should().NotContain("   at ", "a stack trace helps nobody at the command line");
    }

    private static void Damage(TemporaryDirectory directory, string what)
    {
        var weights = directory.Of("model.safetensors");
        var config = directory.Of("config.json");
        var tokenizer = directory.Of("tokenizer.json");
        switch (what)
        {
            case "no config":
                File.Delete(config);
                break;
            case "no weights":
                File.Delete(weights);
                break;
            case "truncated weights":
                using (var file = File.OpenWrite(weights))
                {
                    file.SetLength(file.Length / 2);
                }

                break;
            case "absurd header":
                Overwrite(weights, [255, 255, 255, 255, 255, 255, 255, 127]);
                break;
            case "header is no JSON":
                Overwrite(weights, [16, 0, 0, 0, 0, 0, 0, 0, .. Encoding.ASCII.GetBytes("{\"a\": not json }")]);
                break;
            case "unknown model type":
                File.WriteAllText(config, File.ReadAllText(config).Replace("\"mixtral\"", "\"mixture\"", StringComparison.Ordinal));
                break;
            case "config is no JSON":
                File.WriteAllText(config, "{ \"model_type\": ");
                break;
            case "config lacks a key":
                File.WriteAllText(config, File.ReadAllText(config).Replace("\"hidden_size\"", "\"hidden_sighs\"", StringComparison.Ordinal));
                break;
            case "tokenizer is no JSON":
                File.WriteAllText(tokenizer, "[1, 2");
                break;
            case "tokenizer of another kind":
                File.WriteAllText(tokenizer, """{ "model": { "type": "WordPiece", "vocab": {} } }""");
                break;
            case "tensor missing":
                Replace(weights, "\"model.norm.weight\"", "\"model.gnome.weigh\"");
                break;
            case "shape differs":
                File.WriteAllText(config, File.ReadAllText(config).Replace("\"vocab_size\": 2048", "\"vocab_size\": 2049", StringComparison.Ordinal));
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(what), what, "no such damage");
        }
    }

    private static void Overwrite(string path, byte[] beginning)
    {
        using var file = File.OpenWrite(path);
        file.Write(beginning);
    }

    private static void Replace(string path, string old, string replacement)
    {
        var bytes = File.ReadAllBytes(path);
        Encoding.ASCII.GetBytes(replacement).CopyTo(bytes.AsSpan(bytes.AsSpan().IndexOf(Encoding.ASCII.GetBytes(old))));
        File.WriteAllBytes(path, bytes);
    }
}
