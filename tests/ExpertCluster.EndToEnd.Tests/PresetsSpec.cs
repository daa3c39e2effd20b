namespace ExpertCluster.EndToEnd.Tests;

public sealed class PresetsSpec
{
    [Fact]
    public async Task The_catalogue_is_listed_with_a_check_for_each_preset()
    {
        var (code, json) = await CliProcess.RunJsonAsync("presets");
        code.Should().Be(0, json.ToString());
        var names = json.GetProperty("presets").EnumerateArray().Select(p => p.GetProperty("name").GetString()).ToArray();
        names.Should().HaveCountGreaterThanOrEqualTo(18).And.OnlyHaveUniqueItems();
        var checks = json.GetProperty("checks").EnumerateArray().ToArray();
        checks.Should().OnlyContain(c => c.GetProperty("pass").GetBoolean());
        checks.Select(c => c.GetProperty("name").GetString()).Should().BeEquivalentTo(["catalogue.names", .. names.Select(n => $"{n}.decides")]);
    }

    [Fact]
    public async Task Gates_whose_evaluation_draws_say_that_they_need_a_generator()
    {
        var (_, output, _) = await CliProcess.RunAsync("presets");
        output.Split("RoutingContext.Generator must be set").Should().HaveCount(5, "gshard, glam, st-moe and flan-moe draw");
    }
}
