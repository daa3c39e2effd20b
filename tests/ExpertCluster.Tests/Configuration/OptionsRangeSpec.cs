using System.Globalization;
using ExpertCluster.Cluster.Configuration;
using Microsoft.Extensions.Configuration;

namespace ExpertCluster.Tests.Configuration;

public sealed class OptionsRangeSpec
{
    private static readonly (string Key, string Range, string[] Outside)[] Ranges =
    [
        ("Node:Port", "0 to 65535", ["-1", "65536"]),
        ("Node:JoinTimeout", "00:00:01 to 01:00:00", ["00:00:00.9", "01:00:01"]),
        ("Experts:Threads", "0 to 1024", ["-1", "1025"]),
        ("Experts:MemoryBytes", "1024 to 9223372036854775807", ["1023", "-1"]),
        ("Experts:Weight", "0 to 1000000", ["-0.5", "1000000.5", "NaN", "Infinity"]),
        ("Experts:ConcurrentLoads", "1 to 256", ["0", "257"]),
        ("Experts:MaxQueuedRows", "1 to 1048576", ["0", "1048577"]),
        ("Experts:MaxFusedRows", "1 to 1048576", ["0", "1048577"]),
        ("Experts:Patience", "00:00:00 to 00:01:00", ["-00:00:00.001", "00:01:01"]),
        ("Gateway:Port", "0 to 65535", ["-1", "65536"]),
        ("Gateway:MaxActive", "1 to 4096", ["0", "4097"]),
        ("Gateway:MaxQueued", "0 to 1000000", ["-1", "1000001"]),
        ("Gateway:ClientQueueShare", "0.01 to 1", ["0.009", "1.01", "NaN"]),
        ("Gateway:PrefillTokens", "1 to 65536", ["0", "65537"]),
        ("Gateway:PrefillChunk", "1 to 65536", ["0", "65537"]),
        ("Gateway:OverlapSequences", "0 to 4096", ["-1", "4097"]),
        ("Gateway:KvCacheBytes", "65536 to 9223372036854775807", ["65535"]),
        ("Gateway:DefaultDeadline", "00:00:01 to 1.00:00:00", ["00:00:00.9", "1.00:00:01"]),
        ("Gateway:MaxLayerRows", "1 to 1048576", ["0", "1048577"]),
        ("Gateway:MaxLayerCalls", "1 to 4096", ["0", "4097"]),
        ("Router:AttemptTimeout", "00:00:00.1000000 to 00:10:00", ["00:00:00.09", "00:10:01"]),
        ("Router:FramesInFlight", "1 to 1024", ["0", "1025"]),
        ("Router:BatchWindow", "00:00:00 to 00:00:01", ["-00:00:00.001", "00:00:01.001"]),
        ("Router:InitialCredits", "1 to 1048576", ["0", "1048577"]),
        ("Router:MaxFrameRows", "1 to 1048576", ["0", "1048577"]),
        ("Router:RetryBackoff", "00:00:00.0010000 to 00:01:00", ["00:00:00", "00:01:01"]),
        ("Router:MaxFailures", "1 to 100", ["0", "101"]),
        ("Router:NoReplicaPatience", "00:00:00 to 01:00:00", ["-00:00:00.001", "01:00:01"]),
        ("Balancer:MinExpertNodes", "1 to 10000", ["0", "10001"]),
        ("Balancer:Copies", "1 to 64", ["0", "65"]),
        ("Balancer:RetryInterval", "00:00:00.1000000 to 00:10:00", ["00:00:00.09", "00:10:01"]),
        ("Node:CutOffLinger", "00:00:00 to 00:01:00", ["-00:00:01", "00:01:01"]),
        ("Lane:MaxProtocolVersion", "1 to 2", ["0", "3"]),
        ("Node:DrainTimeout", "00:00:00 to 01:00:00", ["-00:00:01", "01:00:01"]),
        ("Balancer:ProbeExclusion", "00:00:01 to 1.00:00:00", ["00:00:00.9", "1.00:00:01"]),
        ("Balancer:RetireDelay", "00:00:00 to 00:01:00", ["-00:00:01", "00:01:01"]),
        ("Balancer:ExclusionTime", "00:00:00.1000000 to 01:00:00", ["00:00:00.09", "01:00:01"]),
        ("Load:HalfLife", "00:00:01 to 1.00:00:00", ["00:00:00.9", "1.00:00:01"]),
        ("Load:WarmUp", "00:00:00 to 01:00:00", ["-00:00:00.001", "01:00:01"]),
        ("Load:ReportInterval", "00:00:00.1000000 to 01:00:00", ["00:00:00.09", "01:00:01"]),
        ("Load:DecodeWeight", "0 to 1000", ["-0.5", "1000.5", "NaN"]),
        ("Load:SpeedRows", "1 to 1000000000000", ["0", "1000000000001"]),
        ("Load:SpeedBatches", "1 to 1000000000", ["0", "1000000001"]),
        ("Load:SnapshotInterval", "00:00:01 to 01:00:00", ["00:00:00.9", "01:00:01"]),
        ("Load:RecordInterval", "00:00:00.0100000 to 01:00:00", ["00:00:00.009", "01:00:01"]),
        ("Rebalance:Interval", "00:00:01 to 01:00:00", ["00:00:00.9", "01:00:01"]),
        ("Rebalance:TriggerBalancedness", "0 to 1", ["-0.1", "1.1", "NaN"]),
        ("Rebalance:TriggerDistance", "0 to 1", ["-0.1", "1.1", "NaN"]),
        ("Rebalance:RearmBalancedness", "0 to 1", ["-0.1", "1.1"]),
        ("Rebalance:RearmDistance", "0 to 1", ["-0.1", "1.1"]),
        ("Rebalance:Confirmations", "1 to 100", ["0", "101"]),
        ("Rebalance:CoolDown", "00:00:00 to 1.00:00:00", ["-00:00:00.001", "1.00:00:01"]),
        ("Rebalance:MinGain", "0 to 1", ["-0.1", "1.1", "NaN"]),
        ("Rebalance:MinTokens", "1 to 1000000000000", ["0", "1000000000001"]),
        ("Rebalance:SpareReplicas", "0 to 65536", ["-1", "65537"]),
        ("Rebalance:MaxConcurrentMoves", "1 to 1024", ["0", "1025"]),
        ("Rebalance:MaxMovesPerPlan", "1 to 1000000", ["0", "1000001"]),
        ("Rebalance:MaxBytesPerSecond", "0 to 1000000000000000", ["-1", "1000000000000001"]),
        ("Rebalance:StepTimeout", "00:00:01 to 1.00:00:00", ["00:00:00.9", "1.00:00:01"]),
        ("Rebalance:SlowNodeFactor", "1.5 to 1000", ["1.4", "1000.5", "NaN"]),
        ("Rebalance:History", "10 to 10000000", ["9", "10000001"]),
        ("Lane:Port", "0 to 65535", ["-1", "65536"]),
        ("Lane:ChunkBytes", "4096 to 16777216", ["4095", "16777217"]),
        ("Lane:MaxFrameBytes", "65536 to 2000000000", ["65535", "2000000001"]),
        ("Lane:MaxFramesInFlight", "1 to 65536", ["0", "65537"]),
        ("Lane:MaxBytesInFlight", "65536 to 2305843009213693951", ["65535", "2305843009213693952"]),
        ("Lane:MaxLinks", "1 to 16384", ["0", "16385"]),
        ("Lane:HandshakeTimeout", "00:00:00.1000000 to 00:01:00", ["00:00:00.09", "00:01:01"]),
        ("Lane:HeartbeatInterval", "00:00:00.1000000 to 00:01:00", ["00:00:00.09", "00:01:01"]),
        ("Lane:SilenceTimeout", "00:00:01 to 00:10:00", ["00:00:00.9", "00:10:01"]),
    ];

    public static TheoryData<string, string, string> Violations =>
        [.. Ranges.SelectMany(r => r.Outside.Select(value => new TheoryDataRow<string, string, string>(r.Key, value, r.Range)))];

    [Theory]
    [MemberData(nameof(Violations))]
    public void A_value_out_of_range_is_named_with_its_key_and_range(string key, string value, string range)
    {
        var shown = value.Contains(':', StringComparison.Ordinal) ? TimeSpan.Parse(value, CultureInfo.InvariantCulture).ToString() : value;
        Errors([(key, value), .. Companions(key)]).Should().ContainSingle().Which.Should().Be($"ExpertCluster:{key} = {shown}: must be {range}");
    }

    [Fact]
    public void Every_number_and_duration_has_a_range()
    {
        var keys = typeof(ExpertClusterOptions).GetProperties()
            .Where(p => p.PropertyType.Namespace == typeof(ExpertClusterOptions).Namespace)
            .SelectMany(section => section.PropertyType.GetProperties().Where(p => p.CanWrite && p.PropertyType.IsValueType && p.PropertyType != typeof(bool))
                .Select(p => $"{section.Name}:{p.Name}"));
        Ranges.Select(r => r.Key).Should().BeEquivalentTo(keys);
    }

    [Fact]
    public void The_bounds_themselves_are_allowed()
    {
        foreach (var (key, range, _) in Ranges)
        {
            foreach (var bound in range.Split(" to "))
            {
                Errors([(key, bound), .. Companions(key)]).Should().BeEmpty($"{key} = {bound} is inside {range}");
            }
        }
    }

    [Fact]
    public void A_silence_of_less_than_two_heartbeats_is_refused() =>
        Errors(("Lane:HeartbeatInterval", "00:00:06")).Should().ContainSingle().Which.Should().Contain("ExpertCluster:Lane:SilenceTimeout").And.Contain("00:00:06");

    [Fact]
    public void A_drift_that_is_calm_before_it_is_one_is_refused()
    {
        Errors(("Rebalance:RearmBalancedness", "0.5")).Should().ContainSingle().Which.Should().ContainAll("RearmBalancedness = 0.5", "TriggerBalancedness");
        Errors(("Rebalance:RearmDistance", "0.5")).Should().ContainSingle().Which.Should().ContainAll("RearmDistance = 0.5", "TriggerDistance");
    }

    [Fact]
    public void A_node_without_routers_records_nothing() =>
        Errors(("Load:RecordPath", "t.jsonl"), ("Node:Roles:0", "expert")).Should().ContainSingle().Which.Should().ContainAll("Load:RecordPath", "gateway");

    [Theory]
    [InlineData("fifteen letters", 1)]
    [InlineData("sixteen letters!", 0)]
    public void A_short_secret_is_refused_and_not_shown(string secret, int errors)
    {
        var told = Errors(("Lane:Secret", secret));
        told.Should().HaveCount(errors);
        told.Should().OnlyContain(error => error.Contains("ExpertCluster:Lane:Secret") && !error.Contains(secret));
    }

    [Fact]
    public void TLS_of_the_lane_needs_certificate_and_authorities_that_are_there_and_shows_no_password()
    {
        Errors(("Lane:Tls:KeyPath", "/no/key.pem")).Should().HaveCount(3).And.Contain(error => error.Contains("Lane:Tls:CertificatePath"))
            .And.Contain(error => error.Contains("Lane:Tls:CaPath")).And.Contain("ExpertCluster:Lane:Tls:KeyPath = /no/key.pem: no such file");
        Errors(("Lane:Tls:CertificatePath", "/no/a.pem"), ("Lane:Tls:CaPath", "/no/ca.pem"), ("Lane:Tls:Password", "hush"))
            .Should().HaveCount(3).And.OnlyContain(error => !error.Contains("hush")).And.Contain(error => error.Contains("Lane:Tls:Password = (hidden)"));
    }

    [Fact]
    public void The_defaults_are_valid() => Errors().Should().BeEmpty();

    [Theory]
    [InlineData("Node:Host")]
    [InlineData("Experts:Device")]
    [InlineData("Gateway:BindHost")]
    public void An_empty_text_is_named(string key) =>
        Errors((key, " ")).Should().ContainSingle().Which.Should().Contain($"ExpertCluster:{key}").And.Contain("must not be empty");

    [Theory]
    [InlineData("float16")]
    [InlineData("BFLOAT16")]
    [InlineData("")]
    public void An_unknown_element_type_is_named_with_those_there_are(string type) =>
        Errors(("Experts:Dtype", type)).Should().ContainSingle().Which.Should().Be($"ExpertCluster:Experts:Dtype = {type}: must be auto, float32 or bfloat16");

    [Theory]
    [InlineData("Degrade")]
    [InlineData("drop")]
    [InlineData("")]
    public void An_unknown_answer_to_lost_experts_is_named_with_those_there_are(string policy) =>
        Errors(("Router:NoReplica", policy)).Should().ContainSingle().Which.Should().Be($"ExpertCluster:Router:NoReplica = {policy}: must be wait, degrade or fail");

    [Fact]
    public void An_unknown_role_is_named_with_the_roles_there_are() =>
        Errors(("Node:Roles:0", "expert"), ("Node:Roles:1", "worker")).Should().ContainSingle().Which
            .Should().ContainAll("ExpertCluster:Node:Roles", "worker", "gateway and expert");

    [Theory]
    [InlineData("host")]
    [InlineData("host:")]
    [InlineData(":4053")]
    [InlineData("host:0")]
    [InlineData("host:65536")]
    [InlineData("host:-1")]
    public void A_seed_that_is_no_host_and_port_is_named(string seed) =>
        Errors(("Node:Seeds:0", seed)).Should().ContainSingle().Which.Should().ContainAll("ExpertCluster:Node:Seeds", seed, "HOST:PORT");

    [Fact]
    public void A_hocon_file_that_is_not_there_is_named() =>
        Errors(("Node:AkkaConfig", "/no/such.conf")).Should().ContainSingle().Which.Should().ContainAll("Node:AkkaConfig", "/no/such.conf", "no such file");

    [Fact]
    public void Two_models_of_one_name_are_refused_however_they_got_it() =>
        Errors(("Models:0:Path", "/a/mixtral/"), ("Models:1:Path", "/b/other"), ("Models:1:Name", "mixtral")).Should().ContainSingle().Which
            .Should().ContainAll("ExpertCluster:Models", "mixtral", "two models of this name");

    [Theory]
    [InlineData("a/b")]
    [InlineData("a b")]
    [InlineData("é")]
    [InlineData("")]
    [InlineData("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")]
    public void A_model_name_of_other_characters_or_too_long_is_refused(string name) =>
        Errors(("Models:0:Path", "/a"), ("Models:0:Name", name)).Should().ContainSingle().Which.Should().Contain($"ExpertCluster:Models:0:Name = {name}:");

    [Fact]
    public void A_model_without_a_path_is_refused() =>
        Errors(("Models:0:Name", "m")).Should().ContainSingle().Which.Should().Contain("ExpertCluster:Models:0:Path").And.Contain("must not be empty");

    [Fact]
    public void Everything_that_is_wrong_is_said_at_once() =>
        Errors(("Node:Port", "-1"), ("Lane:ChunkBytes", "1"), ("Node:Roles:0", "x")).Should().HaveCount(3);

    /// <summary>Settings that must move along for a value to be judged by its own range alone.</summary>
    private static (string Key, string Value)[] Companions(string key) => key switch
    {
        "Lane:HeartbeatInterval" => [("Lane:SilenceTimeout", "00:10:00")],
        "Lane:SilenceTimeout" => [("Lane:HeartbeatInterval", "00:00:00.1")],
        "Rebalance:TriggerBalancedness" => [("Rebalance:RearmBalancedness", "1")],
        "Rebalance:TriggerDistance" => [("Rebalance:RearmDistance", "0")],
        "Rebalance:RearmBalancedness" => [("Rebalance:TriggerBalancedness", "0")],
        "Rebalance:RearmDistance" => [("Rebalance:TriggerDistance", "1")],
        _ => [],
    };

    private static IReadOnlyList<string> Errors(params (string Key, string Value)[] settings)
    {
        var options = new ExpertClusterOptions();
        new ConfigurationBuilder().AddInMemoryCollection(settings.Select(s => KeyValuePair.Create(s.Key, (string?)s.Value))).Build()
            .Bind(options, binder => binder.ErrorOnUnknownConfiguration = true);
        return options.Validate();
    }
}
