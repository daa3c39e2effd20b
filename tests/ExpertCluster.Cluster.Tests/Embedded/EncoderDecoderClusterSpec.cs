using ExpertCluster.Client;
using ExpertCluster.Contracts;
using ExpertCluster.Tensors.Checkpoints;

namespace ExpertCluster.Cluster.Tests.Embedded;

/// <summary>An encoder–decoder whose experts, the encoder's and the decoder's, are actors on three nodes.</summary>
public sealed class EncoderDecoderClusterSpec
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Concurrent_requests_with_sources_of_their_own_get_what_they_would_get_alone()
    {
        await using var cluster = await FolioCluster.StartAsync(3, TestModels.SwitchTiny, cancellationToken: Stop);
        cluster.Runtimes.Sum(r => r.Host!.CountOf("switch-tiny")).Should().Be(32);
        var sources = Enumerable.Range(1, 8).Select(seed => Source(seed, 3 + (seed * 7))).ToArray();
        var alone = new List<List<int>>();
        foreach (var source in sources)
        {
            alone.Add(await FolioCluster.GenerateAsync(cluster.Model, FolioCluster.Request(source, 20), cancellationToken: Stop));
        }

        alone.Select(a => string.Join(',', a)).Distinct().Should().HaveCountGreaterThan(1, "the source matters");
        var together = await Task.WhenAll(sources.Select(
            source => FolioCluster.GenerateAsync(cluster.Model, FolioCluster.Request(source, 20), cancellationToken: Stop)));
        for (var i = 0; i < sources.Length; i++)
        {
            together[i].Should().Equal(alone[i]);
        }
    }

    [Fact]
    public async Task The_client_passes_a_source_to_the_encoder_and_is_told_when_one_is_missing_or_superfluous()
    {
        using var golden = SafetensorsFile.Open(Path.Combine(TestModels.SwitchTiny, "golden.safetensors"));
        var source = golden.ReadLongs("input_ids").Select(id => (int)id).Take(24).ToArray();
        var target = golden.ReadLongs("decoder_input_ids").Select(id => (int)id).Take(12).ToArray();
        var expected = golden.ReadFloats("logits");
        await using var cluster = await FolioCluster.StartAsync(2, TestModels.SwitchTiny, cancellationToken: Stop);
        var model = (await cluster.Client.ListModelsAsync(Stop)).Should().ContainSingle().Subject;
        model.EncoderDecoder.Should().BeTrue();
        var logits = await cluster.Client.ForwardAsync("switch-tiny", target, new RequestOptions { Source = source }, Stop);
        (logits.Rows, logits.Columns).Should().Be((12, 256));
        var largest = expected.Max(Math.Abs);
        logits.Values.ToArray().Zip(expected, (a, b) => Math.Abs(a - b)).Max().Should().BeLessThan(1e-4f * largest);

        (await Assert.ThrowsAsync<InvalidRequestException>(() => cluster.Client.ForwardAsync("switch-tiny", target, null, Stop)))
            .Message.Should().Contain("source is empty");
        (await Assert.ThrowsAsync<InvalidRequestException>(
            () => cluster.Client.ForwardAsync("switch-tiny", target, new RequestOptions { Source = new[] { 256 } }, Stop)))
            .Message.Should().Contain("source[0] is 256");
        await using var folio = await FolioCluster.StartAsync(1, cancellationToken: Stop);
        (await Assert.ThrowsAsync<InvalidRequestException>(
            () => folio.Client.ForwardAsync("folio-moe", new[] { 1 }, new RequestOptions { Source = new[] { 1 } }, Stop)))
            .Message.Should().Contain("no encoder");
    }

    [Fact]
    public async Task A_source_that_fits_no_cache_is_refused_and_cancelling_frees_what_was_reserved()
    {
        await using var cluster = await FolioCluster.StartAsync(
            1, TestModels.SwitchTiny, (_, node) => node.Gateway.KvCacheBytes = 1 << 20, Stop);
        var refused = await Assert.ThrowsAsync<RequestFailedException>(
            () => FolioCluster.GenerateAsync(cluster.Model, FolioCluster.Request(Source(1, 4000), 8), cancellationToken: Stop));
        refused.Error.Should().Be(RequestError.InvalidRequest);
        refused.Message.Should().Contain("KvCacheBytes");

        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(Stop);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => FolioCluster.GenerateAsync(
            cluster.Model, FolioCluster.Request(Source(2, 30), 200), count => cancel.Cancel(), cancel.Token));
        await Eventually.HoldsAsync(() => cluster.Model.Statistics.KvBytes == 0, "no cache is reserved");
    }

    private static int[] Source(int seed, int length)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, length).Select(_ => random.Next(2, 256))];
    }
}
