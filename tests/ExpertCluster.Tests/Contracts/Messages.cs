using System.Collections.Immutable;
using CsCheck;
using ExpertCluster.Contracts;

namespace ExpertCluster.Tests.Contracts;

/// <summary>Random messages of every registered type.</summary>
internal static class Messages
{
    private static readonly Gen<string> Text = Gen.String[Gen.Char.AlphaNumeric, 0, 12].Select(Gen.OneOf("", "ß", "界", "\U0001F600"))
        .Select(t => t.Item1 + t.Item2);

    private static readonly Gen<string?> OptionalText = Gen.OneOf(Gen.Const((string?)null), Text.Select(t => (string?)t));

    private static readonly Gen<ReplicaId> Replica = Gen.Select(Gen.Int, Gen.Int, Gen.Int, (l, e, n) => new ReplicaId(l, e, n));

    private static readonly Gen<NodeId> Node = Gen.Select(Text, Gen.Int, (a, i) => new NodeId(a, i));

    private static readonly Gen<StartReplica> Start = Gen.Select(Text, Replica, Node, (m, r, n) => new StartReplica(m, r, n));

    private static readonly Gen<RetireReplica> Retire = Gen.Select(Text, Replica, (m, r) => new RetireReplica(m, r));

    private static readonly Gen<ReplicaProbe?> Probe = Gen.OneOf(
        Gen.Const((ReplicaProbe?)null),
        Gen.Select(Gen.Enum<RowType>(), Text, Text, Text, Gen.Float.Array[0, 5], Gen.Float, (t, w, a, m, v, s) => (ReplicaProbe?)new ReplicaProbe(t, w, a, m, [.. v], s)));

    private static readonly Gen<ReplicaReport> Report = Gen.Select(
        Gen.Select(Text, Replica, Node), Gen.Enum<ReplicaOutcome>(), Gen.Long, OptionalText, Probe,
        (a, o, b, t, p) => new ReplicaReport(a.Item1, a.Item2, a.Item3, o, b, t, p));

    private static readonly Gen<LayerPlacement> Placement = Gen.Select(
            Text, Gen.Int[0, 100], Gen.Long, Gen.Int[0, 64], OptionalText, Node.Array[1, 4])
        .SelectMany(t => Gen.Select(Gen.Int[0, 63], Gen.Int[0, 9], Gen.Int[0, t.Item6.Length - 1], Gen.Enum<ReplicaState>()).Array[0, 20]
            .Select(replicas => new LayerPlacement(
                t.Item1, t.Item2, t.Item3, t.Item4,
                [.. replicas.Select(r => new ReplicaPlacement(new ReplicaId(t.Item2, r.Item1, r.Item2), t.Item6[r.Item3], r.Item4))],
                t.Item5)));

    private static readonly Gen<NodeDescription> Description = Gen.Select(
        Gen.Select(Node, Text.Array[0, 3], Text, Gen.Int),
        Gen.Select(Gen.Long, Gen.Double, OptionalText, Gen.Dictionary(Text, Text)[0, 4], OptionalText, OptionalText),
        Gen.Bool,
        (a, b, draining) => new NodeDescription(
            a.Item1, [.. a.Item2], a.Item3, a.Item4, b.Item1, b.Item2, b.Item3, b.Item4.ToImmutableDictionary(StringComparer.Ordinal), b.Item5, b.Item6)
        {
            IsDraining = draining,

            // Models without a type and with float32 are the same: only the others travel.
            ExpertTypes = b.Item4.Keys.Where(name => name.Length % 2 == 0).ToImmutableDictionary(name => name, _ => RowType.BFloat16, StringComparer.Ordinal),
        });

    private static readonly Gen<LoadReport> Load = Gen.Select(
        Gen.Select(Node, Text, Gen.Select(Gen.Int, Gen.Double, Gen.Long, (q, b, f) => new DeviceLoad(q, b, f)), Gen.Bool),
        Gen.Select(Gen.Int, Gen.Int, Gen.Long, Gen.Long, (l, e, p, d) => new ExpertDemand(l, e, p, d)).Array[0, 20],
        Gen.Select(Replica, Gen.Long, Gen.Long, Gen.Long, Gen.Long, (r, n, c, q, b) => new ReplicaWork(r, n, c, q, b)).Array[0, 20],
        Gen.Select(Gen.Int, Gen.Int, Gen.Long, Gen.Long, Gen.Long, (t, s, n, r, c) => new BatchWork(t, s, n, r, c)).Array[0, 5],
        (a, demand, work, batches) =>
            new LoadReport(a.Item1, a.Item2, a.Item4 ? a.Item3 : null, [.. demand], [.. work]) { Batches = [.. batches] });

    private static readonly Gen<LoadSnapshot> Snapshot = Gen.Select(
        Text, Text, Gen.Long[0, 4102444800000], Gen.Select(Gen.Int, Gen.Double, Gen.Byte.Array[0, 64], (l, s, f) => new LayerDemand(l, s, f)).Array[0, 8],
        (m, f, t, layers) => new LoadSnapshot(m, f, DateTimeOffset.FromUnixTimeMilliseconds(t), [.. layers]));

    public static Gen<IClusterMessage> Any { get; } = Gen.OneOf(
        Start.Select(m => (IClusterMessage)m),
        Gen.Const((IClusterMessage)StopReplica.Instance),
        Report.Select(m => (IClusterMessage)m),
        Retire.Select(m => (IClusterMessage)m),
        Gen.Select(Text, Gen.Byte.Array[0, 9], (v, a) => (IClusterMessage)new BalancerQuery(v, a)),
        Gen.Select(Gen.Bool, Gen.Byte.Array[0, 9], (o, b) => (IClusterMessage)new BalancerReply(o, b)),
        Gen.Select(Gen.Select(Node, Text, Text), Gen.Long, Gen.Long, Gen.Long, Gen.Long,
            (t, m, b, p, r) => (IClusterMessage)new BalancerStatus(t.Item1, t.Item2, t.Item3, m, b, p, r)),
        Gen.Bool.Select(d => (IClusterMessage)new DrainNode(d)),
        Placement.Select(m => (IClusterMessage)m),
        Description.Select(m => (IClusterMessage)m),
        Load.Select(m => (IClusterMessage)m),
        Snapshot.Select(m => (IClusterMessage)m));

    /// <summary>One of each type, always the same.</summary>
    public static IReadOnlyDictionary<string, (IClusterMessage Message, string Hex)> Golden { get; } = Goldens();

    /// <summary>A record's equality does not look into arrays; this does.</summary>
    public static void ShouldBeSame(object actual, object expected) =>
        actual.Should().BeEquivalentTo(expected, options => options.PreferringRuntimeMemberTypes().WithStrictOrdering()
            .Using<ReadOnlyMemory<byte>>(c => c.Subject.Span.SequenceEqual(c.Expectation.Span).Should().BeTrue()).WhenTypeIs<ReadOnlyMemory<byte>>());

    private static Dictionary<string, (IClusterMessage, string)> Goldens()
    {
        var node = new NodeId("akka.tcp://expertcluster@10.0.0.1:4053", -7);
        var other = new NodeId("akka.tcp://expertcluster@10.0.0.2:4053", 70000);
        const string nodeHex = "92d926616b6b612e7463703a2f2f657870657274636c75737465724031302e302e302e313a34303533f9";
        const string otherHex = "92d926616b6b612e7463703a2f2f657870657274636c75737465724031302e302e302e323a34303533ce00011170";
        const string modelHex = "a9666f6c696f2d6d6f65";
        var replica = new ReplicaId(2, 5, 1);
        return new Dictionary<string, (IClusterMessage, string)>
        {
            ["S"] = (new StartReplica("folio-moe", replica, node), "93" + modelHex + "93020501" + nodeHex),
            ["T"] = (new RetireReplica("folio-moe", replica), "92" + modelHex + "93020501"),
            ["Q"] = (new BalancerQuery("status", new byte[] { 0x7b, 0x7d }), "92a6737461747573c4027b7d"),
            ["A"] = (new BalancerReply(true, new byte[] { 0x7b, 0x7d }), "92c3c4027b7d"),
            ["B"] = (new BalancerStatus(node, "idle", "", 3, 1L << 33, 2, 0), "97" + nodeHex + "a469646c65a003cf00000002000000000200"),
            ["E"] = (new DrainNode(true), "91c3"),
            ["X"] = (StopReplica.Instance, "90"),
            ["R"] = (
                new ReplicaReport("folio-moe", replica, node, ReplicaOutcome.Refused, 1L << 40, "no room"),
                "96" + modelHex + "93020501" + nodeHex + "02cf0000010000000000a76e6f20726f6f6d"),
            ["P"] = (
                new LayerPlacement(
                    "folio-moe", 2, 9, 8,
                    [new(replica, other, ReplicaState.Ready), new(new ReplicaId(2, 6, 0), node, ReplicaState.Loading)], "one is loading"),
                "97" + modelHex + "020908ae6f6e65206973206c6f6164696e67" + "92" + nodeHex + otherHex + "980501010206000001"),
            ["N"] = (
                new NodeDescription(
                    node, ["gateway", "expert"], "cuda:0", 4, 1L << 33, 1.5, "10.0.0.1:5053",
                    ImmutableDictionary<string, string>.Empty.Add("folio-moe", "ab12").Add("a", "b"), "10.0.0.1:6053", "id:/s"),
                "9a" + nodeHex + "92a767617465776179a6657870657274" + "a6637564613a30" + "04" + "cf0000000200000000" + "cb3ff8000000000000"
                    + "ad31302e302e302e313a35303533" + "82a161a162" + modelHex + "a461623132" + "ad31302e302e302e313a36303533" + "a569643a2f73"),
            ["L"] = (
                new LoadReport(
                    node, "folio-moe", new DeviceLoad(3, 0.5, 1L << 33), [new(2, 5, 300, 7)], [new(replica, 307, 1500, 90000, 1L << 32)]),
                "95" + nodeHex + modelHex + "9303cb3fe0000000000000cf0000000200000000" + "940205cd012c07"
                    + "97020501cd0133cd05dcce00015f90cf0000000100000000"),
            ["K"] = (
                new LoadSnapshot(
                    "folio-moe", "ab12", DateTimeOffset.FromUnixTimeMilliseconds(1_700_000_000_000), [new(2, 1.5, new byte[] { 0, 60, 0, 0 })]),
                "94" + modelHex + "a461623132" + "cf0000018bcfe56800" + "9302cb3ff8000000000000c404003c0000"),
        };
    }
}
