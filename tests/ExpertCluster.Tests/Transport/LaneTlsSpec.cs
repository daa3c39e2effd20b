using System.Collections.Concurrent;
using ExpertCluster.Contracts;
using ExpertCluster.Transport;

namespace ExpertCluster.Tests.Transport;

/// <summary>With certificates, TCP connections are enciphered and both ends prove who they are.</summary>
public sealed class LaneTlsSpec : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly ConcurrentDictionary<NodeId, LaneEndpoint> _known = new();
    private readonly List<LaneNode> _nodes = [];
    private readonly TestCertificates _certificates = new();

    private static CancellationToken Test => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _nodes.ForEach(node => node.Dispose());
        _certificates.Dispose();
    }

    [Fact]
    public async Task Nodes_with_certificates_of_one_authority_talk_and_every_bit_arrives()
    {
        var (a, b) = (Node(_certificates.Tls("ca", "ca")), Node(_certificates.Tls("ca", "ca")));
        await a.EchoAsync(b, 1, 1, seed: 1);
        await a.EchoAsync(b, 9000, 1024, seed: 2);
        await Task.WhenAll(Enumerable.Range(0, 100).Select(i => (i % 2 == 0 ? a : b).EchoAsync(i % 2 == 0 ? b : a, 1 + (i * 37 % 900), 128, seed: i)));
        a.Log.Entries.Single(e => e.Id.Id == 2001).Message.Should().Contain("Tls1");
        a.Dispose();
        await LaneNode.EventuallyAsync(() => b.Lane.Links.Incoming == 0, "the other end noticed");
        b.Log.Entries.Should().Contain(e => e.Message.Contains("this node is shutting down"));
    }

    [Fact]
    public async Task A_caller_whose_certificate_is_of_another_authority_is_turned_away_and_logged()
    {
        var (a, b) = (Node(_certificates.Tls("other", "ca")), Node(_certificates.Tls("ca", "ca")));
        (await RefusedAsync(a, b)).Should().Contain("it may not take this node's certificate");
        await LoggedAsync(b, "is refused");
    }

    [Fact]
    public async Task A_node_whose_certificate_is_of_another_authority_is_not_called()
    {
        var (a, b) = (Node(_certificates.Tls("ca", "ca")), Node(_certificates.Tls("other", "ca")));
        (await RefusedAsync(a, b)).Should().ContainAll("CN=node-", "is refused");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_expired_certificate_is_refused_whichever_end_shows_it(bool caller)
    {
        var expired = _certificates.Tls("ca", "ca", expired: TimeSpan.FromHours(1));
        var good = _certificates.Tls("ca", "ca");
        var (a, b) = (Node(caller ? expired : good), Node(caller ? good : expired));
        var told = await RefusedAsync(a, b);
        if (caller)
        {
            told.Should().Contain("it may not take this node's certificate");
            await LoggedAsync(b, "is refused");
        }
        else
        {
            told.Should().Contain("is refused");
        }
    }

    [Fact]
    public async Task Who_speaks_no_TLS_is_turned_away_where_it_is_spoken_and_both_are_told()
    {
        var (a, b) = (Node(null), Node(_certificates.Tls("ca", "ca")));
        (await RefusedAsync(a, b)).Should().Contain("it may want TLS (ExpertCluster:Lane:Tls)");
        await LoggedAsync(b, "does not speak TLS as this node requires (ExpertCluster:Lane:Tls");
    }

    [Fact]
    public async Task Who_speaks_TLS_where_it_is_not_spoken_is_told_so()
    {
        var (a, b) = (Node(_certificates.Tls("ca", "ca")), Node(null));
        (await RefusedAsync(a, b)).Should().Contain("does not speak TLS as this node does").And.Contain("ExpertCluster:Lane:Tls");
        await LoggedAsync(b, "it speaks TLS, which this node does not");
    }

    [Fact]
    public async Task A_Unix_socket_stays_as_it_is()
    {
        var (a, b) = (Node(_certificates.Tls("ca", "ca")), Node(_certificates.Tls("ca", "ca")));
        _known[b.Self] = b.Lane.Endpoint("127.0.0.1");
        Assert.SkipWhen(_known[b.Self].Socket is null, "There are no Unix sockets of lanes here.");
        await a.EchoAsync(b, 3, 5, seed: 1);
        a.Log.Entries.Single(e => e.Id.Id == 2001).Message.Should().Contain("Unix socket");
    }

    [Fact]
    public void A_certificate_may_come_as_PFX()
    {
        var path = _certificates.IssuePfx("ca", "node", "a password");
        LaneTls.Load(path, null, "a password", _certificates.Ca("ca")).Dispose();
        FluentActions.Invoking(() => LaneTls.Load(path, null, "wrong", _certificates.Ca("ca"))).Should().Throw<InvalidDataException>()
            .WithMessage($"ExpertCluster:Lane:Tls:CertificatePath = {path}: *");
    }

    [Theory]
    [InlineData("CertificatePath", "no such file")]
    [InlineData("KeyPath", "no such file")]
    [InlineData("CaPath", "no such file")]
    [InlineData("CertificatePath", "no certificate in PEM form")]
    [InlineData("KeyPath", "")]
    [InlineData("CaPath", "no certificate in PEM form")]
    public void A_file_that_is_missing_or_holds_something_else_is_named_with_its_option(string option, string reason)
    {
        var bad = _certificates.PathOf("bad.pem");
        if (reason != "no such file")
        {
            File.WriteAllText(bad, "nothing of use");
        }

        var (certificate, key) = _certificates.Issue("ca", "node");
        FluentActions.Invoking(() => LaneTls.Load(
                option == "CertificatePath" ? bad : certificate, option == "KeyPath" ? bad : key, null, option == "CaPath" ? bad : _certificates.Ca("ca")))
            .Should().Throw<InvalidDataException>().WithMessage($"ExpertCluster:Lane:Tls:{option} = {bad}: *{reason}*");
    }

    [Fact]
    public void A_key_of_another_certificate_is_named()
    {
        var (certificate, _) = _certificates.Issue("ca", "node");
        var (_, key) = _certificates.Issue("ca", "other");
        FluentActions.Invoking(() => LaneTls.Load(certificate, key, null, _certificates.Ca("ca"))).Should().Throw<InvalidDataException>()
            .WithMessage($"ExpertCluster:Lane:Tls:KeyPath = {key}: *");
    }

    private static async Task<string> RefusedAsync(LaneNode a, LaneNode b)
    {
        var call = a.Lane.DispatchAsync(b.Self, LaneNode.Frame(1, 1, 1).Frame, Test);
        var told = await Assert.ThrowsAsync<NodeUnreachableException>(() => call.WaitAsync(Patience, Test));
        b.Lane.Links.Incoming.Should().Be(0);
        return told.Message;
    }

    private static Task LoggedAsync(LaneNode node, string reason) =>
        LaneNode.EventuallyAsync(() => node.Log.Entries.Any(e => e.Id.Id == 2004 && e.Message.Contains(reason)), $"logged: {reason}");

    private LaneNode Node(LaneTls? tls)
    {
        var node = new LaneNode(_known, tls: tls);
        _nodes.Add(node);
        return node;
    }
}
