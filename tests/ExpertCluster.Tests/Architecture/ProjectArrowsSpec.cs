using System.Reflection;
using System.Xml.Linq;

namespace ExpertCluster.Tests.Architecture;

public sealed class ProjectArrowsSpec
{
    /// <summary>What each project may build on, directly or through others.</summary>
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["Tensors"] = [],
        ["Moe"] = ["Tensors"],
        ["Models"] = ["Tensors", "Moe"],
        ["Contracts"] = [],
        ["Transport"] = ["Contracts"],
        ["Cluster"] = ["Tensors", "Moe", "Models", "Contracts", "Transport"],
        ["Operations"] = ["Tensors", "Moe", "Models", "Contracts", "Transport", "Cluster"],
        ["PetabridgeCmd"] = ["Tensors", "Moe", "Models", "Contracts", "Transport", "Cluster", "Operations"],
        ["Client"] = ["Contracts"],
        ["Node"] = ["Tensors", "Moe", "Models", "Contracts", "Transport", "Cluster", "Operations", "PetabridgeCmd", "Client"],
        ["Cli"] = ["Tensors", "Moe", "Models", "Contracts", "Transport", "Cluster", "Operations", "PetabridgeCmd", "Client", "Node"],
    };

    /// <summary>Packages and frameworks each project must not know, by the beginning of their names.</summary>
    private static readonly Dictionary<string, string[]> Forbidden = new()
    {
        ["Tensors"] = ["Akka", "Grpc", "Microsoft.AspNetCore", "MessagePack"],
        ["Moe"] = ["Akka", "Grpc", "Microsoft.AspNetCore", "MessagePack"],
        ["Models"] = ["Akka", "Grpc", "Microsoft.AspNetCore", "MessagePack"],
        ["Contracts"] = ["Akka", "Grpc", "Microsoft.AspNetCore", "TorchSharp"],
        ["Transport"] = ["Akka", "Grpc", "Microsoft.AspNetCore", "TorchSharp"],
        ["Cluster"] = ["Grpc", "Microsoft.AspNetCore"],
        ["Client"] = ["Akka", "Microsoft.AspNetCore", "TorchSharp"],
    };

    public static TheoryData<string> Projects => [.. ProjectFiles().Keys];

    public static TheoryData<string> Restricted => [.. Forbidden.Keys];

    [Theory]
    [MemberData(nameof(Projects))]
    public void A_project_builds_on_nothing_but_what_the_design_allows(string project)
    {
        Allowed.Should().ContainKey(project, "every project has its place in the design");
        Reached(project).Should().BeSubsetOf(Allowed[project]);
    }

    [Theory]
    [MemberData(nameof(Restricted))]
    public void A_project_names_no_package_of_a_layer_above(string project)
    {
        var root = ProjectFiles()[project];
        var named = new[] { "PackageReference", "FrameworkReference" }.SelectMany(kind => root.Descendants(kind))
            .Select(item => item.Attribute("Include")?.Value ?? "");
        named.Where(name => IsForbidden(project, name)).Should().BeEmpty();
    }

    [Theory]
    [MemberData(nameof(Restricted))]
    public void A_compiled_project_uses_no_assembly_of_a_layer_above(string project)
    {
        var used = Assembly.Load($"ExpertCluster.{project}").GetReferencedAssemblies().Select(a => a.Name!).ToArray();
        used.Should().Contain("System.Runtime");
        used.Where(name => IsForbidden(project, name)).Should().BeEmpty();
        used.Where(name => name.StartsWith("ExpertCluster.", StringComparison.Ordinal)).Select(name => name["ExpertCluster.".Length..])
            .Should().BeSubsetOf(Allowed[project]);
    }

    private static bool IsForbidden(string project, string name) =>
        Forbidden[project].Any(start => name == start || name.StartsWith(start + ".", StringComparison.Ordinal));

    private static HashSet<string> Reached(string project)
    {
        var files = ProjectFiles();
        var reached = new HashSet<string>();
        var next = new Stack<string>([project]);
        while (next.TryPop(out var from))
        {
            foreach (var reference in files[from].Descendants("ProjectReference"))
            {
                var name = NameOf(reference.Attribute("Include")!.Value.Replace('\\', '/'));
                if (reached.Add(name))
                {
                    next.Push(name);
                }
            }
        }

        return reached;
    }

    private static Dictionary<string, XElement> ProjectFiles() =>
        Directory.EnumerateFiles(Path.Combine(Repository.Root, "src"), "*.csproj", SearchOption.AllDirectories)
            .ToDictionary(NameOf, file => XElement.Load(file));

    private static string NameOf(string path) => Path.GetFileNameWithoutExtension(path)["ExpertCluster.".Length..];
}
