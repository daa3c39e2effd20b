using System.Text.RegularExpressions;

namespace ExpertCluster.Tests.Architecture;

public sealed partial class SourceFilesSpec
{
    private const int MaxLines = 350;

    [Fact]
    public void A_file_holds_one_public_type_at_most() =>
        Repository.Sources().Where(file => PublicTypes(file) > 1).Select(Repository.Relative).Should().BeEmpty();

    [Fact]
    public void A_file_fits_on_a_few_screens() =>
        Repository.Sources().Where(file => File.ReadLines(file).Count() > MaxLines).Select(Repository.Relative).Should().BeEmpty();

    [Fact]
    public void There_are_files_to_look_at()
    {
        Repository.Sources().Should().HaveCountGreaterThan(50);
        Repository.Sources().Count(file => PublicTypes(file) == 1).Should().BeGreaterThan(50);
    }

    [Theory]
    [InlineData("public sealed record A(int B);", true)]
    [InlineData("public static partial class A", true)]
    [InlineData("public readonly record struct A<T>(T B)", true)]
    [InlineData("public enum A", true)]
    [InlineData("public delegate void A();", true)]
    [InlineData("internal sealed class A", false)]
    [InlineData("    public sealed class Nested", false)]
    [InlineData("// public class A", false)]
    public void A_public_type_is_known_by_its_declaration(string line, bool isPublicType) => PublicType().IsMatch(line).Should().Be(isPublicType);

    private static int PublicTypes(string file) => File.ReadLines(file).Count(line => PublicType().IsMatch(line));

    /// <summary>Namespaces are file-scoped here, so types of a file begin in its first column.</summary>
    [GeneratedRegex(@"^public (?:[a-z]+ )*(?:class|record|struct|interface|enum|delegate)\b")]
    private static partial Regex PublicType();
}
