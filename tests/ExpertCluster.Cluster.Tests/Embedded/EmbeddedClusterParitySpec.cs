using System.Runtime.InteropServices;
using ExpertCluster.Cluster.Gateway;
using ExpertCluster.Tensors.Checkpoints;

namespace ExpertCluster.Cluster.Tests.Embedded;

public sealed class EmbeddedClusterParitySpec
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("folio")]
    [InlineData("tiny")]
    public async Task Answers_are_the_reference_s_and_the_same_bits_on_one_and_three_nodes(string which)
    {
        var directory = which == "folio" ? TestModels.Folio : TestModels.MixtralTiny;
        using var golden = SafetensorsFile.Open(Path.Combine(directory, "golden.safetensors"));
        var generated = golden.ReadLongs("generated").Select(id => (int)id).ToArray();
        var prompt = golden.ReadLongs(golden.Contains("prompt_ids") ? "prompt_ids" : "input_ids").Select(id => (int)id).ToArray();
        prompt = golden.Contains("prompt_ids") ? prompt : prompt[..(prompt.Length / 2)];

        var logits = new List<float[]>();
        foreach (var nodes in new[] { 1, 3 })
        {
            await using var cluster = await FolioCluster.StartAsync(nodes, directory, cancellationToken: Stop);
            var answer = await FolioCluster.GenerateAsync(cluster.Model, FolioCluster.Request(prompt, generated.Length - prompt.Length), cancellationToken: Stop);
            prompt.Concat(answer).Should().Equal(generated);
            logits.Add(await cluster.Model.ForwardAsync(new ForwardRequest("parity", generated), Stop));
        }

        MemoryMarshal.AsBytes(logits[0].AsSpan()).SequenceEqual(MemoryMarshal.AsBytes(logits[1].AsSpan()))
            .Should().BeTrue("the number of nodes must not change a single bit");
    }

    [Theory]
    [InlineData(0, 512)]
    [InlineData(2, 16)]
    public async Task Concurrent_requests_get_what_they_would_get_alone(int overlap, int prefill)
    {
        await using var cluster = await FolioCluster.StartAsync(3, configure: (_, node) =>
        {
            node.Gateway.OverlapSequences = overlap;
            node.Gateway.PrefillTokens = prefill;
            node.Gateway.PrefillChunk = 4;
        }, cancellationToken: Stop);
        var prompts = new[] { "ROMEO:", "KING HENRY:\nMy lord", "public sealed class", "In the beginning", "The cluster" }
            .Select(cluster.Model.Encode).ToArray();
        var alone = new List<List<int>>();
        foreach (var prompt in prompts)
        {
            alone.Add(await FolioCluster.GenerateAsync(cluster.Model, FolioCluster.Request(prompt, 24), cancellationToken: Stop));
        }

        var together = await Task.WhenAll(prompts.Select(
            prompt => FolioCluster.GenerateAsync(cluster.Model, FolioCluster.Request(prompt, 24), cancellationToken: Stop)));
        for (var i = 0; i < prompts.Length; i++)
        {
            together[i].Should().Equal(alone[i]);
        }
    }

    [Fact]
    public async Task Experts_are_spread_over_the_nodes_and_within_their_budgets()
    {
        await using var cluster = await FolioCluster.StartAsync(3, cancellationToken: Stop);
        var counts = cluster.Runtimes.Select(r => r.Host!.CountOf("folio-moe")).ToArray();
        counts.Sum().Should().Be(32);
        counts.Should().OnlyContain(count => count >= 10 && count <= 11);
        cluster.Runtimes.Should().OnlyContain(r => r.Host!.Memory.Used == r.Host.CountOf("folio-moe") * r.Models[0].Checkpoint.ExpertBytes);
    }

    [Fact]
    public async Task Layer_calls_of_many_callers_are_answered_together_and_right()
    {
        await using var cluster = await FolioCluster.StartAsync(3, cancellationToken: Stop);
        var hidden = cluster.Model.Shape.HiddenSize;
        var inputs = Enumerable.Range(0, 16).Select(seed => Rows(seed, 1 + seed, hidden)).ToArray();
        var alone = new List<float[]>();
        for (var i = 0; i < inputs.Length; i++)
        {
            alone.Add(await cluster.Model.ForwardLayerAsync("one", 1, inputs[i], i + 1, null, Stop));
        }

        var together = await Task.WhenAll(inputs.Select((rows, i) => cluster.Model.ForwardLayerAsync("many", 1, rows, i + 1, null, Stop)));
        for (var i = 0; i < inputs.Length; i++)
        {
            var largest = alone[i].Max(Math.Abs);
            together[i].Zip(alone[i], (a, b) => Math.Abs(a - b)).Max().Should().BeLessThanOrEqualTo(1e-5f * largest);
        }
    }

    private static float[] Rows(int seed, int rows, int columns)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, rows * columns).Select(_ => (float)((random.NextDouble() * 2) - 1))];
    }
}
