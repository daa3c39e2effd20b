using ExpertCluster.Cluster.Configuration;
using ExpertCluster.Node.Hosting;
using ExpertCluster.Tests.Tensors;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace ExpertCluster.Tests.Configuration;

public sealed class NodeApplicationSpec : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_missing_file_is_named()
    {
        var path = _folder["none.json"];
        Refusal(path).Should().Be($"{path}: no such file.");
    }

    [Theory]
    [InlineData("{\n  \"ExpertCluster\": {\n    \"Node\": { \"Port\": 1, }}x\n}", 3)]
    [InlineData("{\n\n  \"ExpertCluster\": [", 3)]
    [InlineData("", 1)]
    public void Malformed_json_is_named_with_file_and_line(string json, int line)
    {
        var path = Write(json);
        Refusal(path).Should().StartWith($"{path}, line {line}: ").And.NotContainAny("\n", "LineNumber");
    }

    [Fact]
    public void Json_that_is_no_object_is_refused_with_its_file()
    {
        var path = Write("[1, 2]");
        Refusal(path).Should().StartWith(path).And.Contain("object");
    }

    [Fact]
    public void An_unknown_key_is_named() => Refusal(Write("""{ "ExpertCluster": { "Router": { "MaxFrameRow": 5 } } }"""))
        .Should().Contain("MaxFrameRow").And.NotContain("\n");

    [Fact]
    public void An_unknown_section_is_named() => Refusal(Write("""{ "ExpertCluster": { "Routers": { "MaxFrameRows": 5 } } }"""))
        .Should().Contain("Routers");

    [Fact]
    public void A_value_of_the_wrong_type_is_named_with_its_key() => Refusal(Write("""{ "ExpertCluster": { "Node": { "Port": "many" } } }"""))
        .Should().Contain("Port").And.Contain("many").And.NotContain("\n");

    [Fact]
    public void A_value_out_of_range_is_named_with_key_value_and_range()
    {
        var path = Write("""{ "ExpertCluster": { "Node": { "Port": 70000 }, "Lane": { "ChunkBytes": 5 } } }""");
        FluentActions.Invoking(() => NodeApplication.Build(path, [], _ => { })).Should().Throw<OptionsValidationException>()
            .Which.Failures.Should().BeEquivalentTo(
                "ExpertCluster:Node:Port = 70000: must be 0 to 65535", "ExpertCluster:Lane:ChunkBytes = 5: must be 4096 to 16777216");
    }

    [Fact]
    public async Task An_override_wins_over_the_file()
    {
        var path = Write("""{ "ExpertCluster": { "Node": { "Port": 4000, "Roles": [ "gateway" ] }, "Router": { "MaxFrameRows": 5 } } }""");
        await using var application = NodeApplication.Build(path, [KeyValuePair.Create("ExpertCluster:Node:Port", (string?)"4001")], _ => { });
        var options = application.Services.GetRequiredService<IOptions<ExpertClusterOptions>>().Value;
        options.Node.Port.Should().Be(4001);
        options.Router.MaxFrameRows.Should().Be(5);
        options.Node.EffectiveRoles.Should().Equal("gateway");
    }

    [Fact]
    public async Task A_node_without_any_file_has_the_defaults()
    {
        await using var application = NodeApplication.Build(null, [], _ => { });
        application.Services.GetRequiredService<IOptions<ExpertClusterOptions>>().Value.Should().BeEquivalentTo(new ExpertClusterOptions());
    }

    private string Write(string json)
    {
        var path = _folder["node.json"];
        File.WriteAllText(path, json);
        return path;
    }

    private static string Refusal(string path) =>
        FluentActions.Invoking(() => NodeApplication.Build(path, [], _ => { })).Should().Throw<InvalidDataException>().Which.Message;
}
