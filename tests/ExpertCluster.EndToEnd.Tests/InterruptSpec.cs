namespace ExpertCluster.EndToEnd.Tests;

/// <summary>A signal at any moment ends a command with one line, and never crashes libtorch under it.</summary>
public sealed class InterruptSpec
{
    private const int Interrupt = 2;
    private const int Terminate = 15;

    [Theory]
    [InlineData("starting", Interrupt)]
    [InlineData("starting", Terminate)]
    [InlineData("experts ready", Interrupt)]
    [InlineData("ROMEO:", Terminate)]
    public async Task A_signal_is_answered_in_one_line_and_with_its_exit_code(string seen, int signal)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no such signals.");
        for (var round = 0; round < 3; round++)
        {
            using var cli = CliProcess.Start("generate", "--prompt", "ROMEO:", "--max-tokens", "480");
            await cli.SeeAsync(seen);
            cli.Signal(signal);
            (await cli.ExitAsync()).Should().BeOneOf([130, 128 + signal], cli.Error);
            cli.Error.Should().Contain("error: interrupted").And.NotContain("   at ");
        }
    }

    [Fact]
    public async Task A_node_that_is_told_to_stop_closes_its_json_with_checks()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no such signals.");
        using var cli = CliProcess.Start("node", "--model", "folio-moe", "--min-expert-nodes", "1", "--json");
        await cli.SeeAsync("Clients can connect");
        cli.Signal(Terminate);
        (await cli.ExitAsync()).Should().Be(0, cli.Error);
        var json = System.Text.Json.JsonDocument.Parse(cli.Output).RootElement;
        json.GetProperty("node").GetString().Should().StartWith("127.0.0.1:");
        json.EnumerateObject().Last().Name.Should().Be("checks");
        json.GetProperty("checks")[0].GetProperty("pass").GetBoolean().Should().BeTrue();
    }
}
