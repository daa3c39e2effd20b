using System.Text.RegularExpressions;

namespace ExpertCluster.Tests.Architecture;

/// <summary>The planner decides from its input alone: no actors, no tensors, no clock, no files, no randomness without a seed.</summary>
public sealed partial class PlanningIsPureSpec
{
    private const string Folder = "src/ExpertCluster.Cluster/Planning/";

    [Fact]
    public void The_planner_names_nothing_that_is_not_in_its_input() =>
        Sources().SelectMany(file => File.ReadLines(file).Select((line, i) => $"{Repository.Relative(file)}:{i + 1}: {line.Trim()}"))
            .Where(line => Impure().IsMatch(line)).Should().BeEmpty();

    [Fact]
    public void The_planner_builds_on_nothing_of_this_repository_but_itself_and_the_hint_of_colocation() =>
        Sources().SelectMany(File.ReadLines).Where(line => line.StartsWith("using ExpertCluster.", StringComparison.Ordinal))
            .Where(line => !line.StartsWith("using ExpertCluster.Cluster.Planning", StringComparison.Ordinal) && line != "using ExpertCluster.Moe.Placement;")
            .Should().BeEmpty();

    [Fact]
    public void There_is_a_planner_to_look_at() => Sources().Should().HaveCountGreaterThan(20);

    [Theory]
    [InlineData("using Akka.Actor;", true)]
    [InlineData("var now = DateTime.UtcNow;", true)]
    [InlineData("var random = new Random();", true)]
    [InlineData("var text = File.ReadAllText(path);", true)]
    [InlineData("var random = new Random(seed);", false)]
    [InlineData("return new Profile(text);", false)]
    public void Impurity_is_known_by_its_names(string line, bool impure) => Impure().IsMatch(line).Should().Be(impure);

    private static IEnumerable<string> Sources() =>
        Repository.Sources().Where(file => Repository.Relative(file).StartsWith(Folder, StringComparison.Ordinal));

    [GeneratedRegex(@"\b(Akka|TorchSharp|torch|DateTime|DateTimeOffset|Stopwatch|TimeProvider|Console|File\.|Directory\.|Environment\.|Task\b|Thread\b|Guid\.NewGuid|Random\.Shared|new Random\(\))")]
    private static partial Regex Impure();
}
