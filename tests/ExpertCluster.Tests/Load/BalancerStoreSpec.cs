using ExpertCluster.Cluster.Configuration;
using ExpertCluster.Cluster.Load;
using ExpertCluster.Contracts;
using ExpertCluster.Tests.Contracts;
using ExpertCluster.Tests.Tensors;
using ExpertCluster.Tests.Transport;
using Microsoft.Data.Sqlite;

namespace ExpertCluster.Tests.Load;

public sealed class BalancerStoreSpec : IDisposable
{
    private static readonly LoadSnapshot Load = new("m", "f", DateTimeOffset.UnixEpoch, [new LayerDemand(1, 2, new byte[] { 0, 60 })]);

    private readonly TempFolder _folder = new();
    private readonly RecordingLogger _log = new();

    private IEnumerable<string> Said => _log.Entries.Select(entry => entry.Message);

    public void Dispose() => _folder.Dispose();

    private string Path => System.IO.Path.Combine(_folder["state"], "deep", "store.db");

    [Fact]
    public async Task What_is_saved_is_there_at_the_next_start()
    {
        await using (var store = Open())
        {
            store.Save(Load with { At = DateTimeOffset.UnixEpoch.AddSeconds(-1) });
            store.Save(Load);
            store.Save("f", Loads.Placement([0], [1]));
            store.Save("f", Loads.Placement([0], [1], [2]));
            store.Add(Decide("plan", "layer 1") with { Plan = "p7" });
            store.IsInMemory.Should().BeFalse();
        }

        await using var next = Open();
        Messages.ShouldBeSame(next.Load("m", "f")!, Load);
        next.Load("m", "other").Should().BeNull();
        Messages.ShouldBeSame(next.Placement("m", "f").Should().ContainSingle().Which, Loads.Placement([0], [1], [2]));
        next.Placement("m", "other").Should().BeEmpty();
        next.Decisions().Should().ContainSingle().Which.Should().Be(Decide("plan", "layer 1") with { Id = 1, Plan = "p7" });
        next.Add(Decide("move", "x")).Id.Should().Be(2);
        Said.Should().BeEmpty();
    }

    [Fact]
    public async Task Decisions_come_newest_first_filtered_and_no_more_than_are_kept()
    {
        await using (var store = Open(history: 10))
        {
            for (var i = 0; i < 25; i++)
            {
                store.Add(Decide(i % 2 == 0 ? "plan" : "move", $"L01/E{i:00}/r0") with { Plan = $"p{i / 10}" });
            }

            Check(store);
        }

        await using var next = Open(history: 10);
        Check(next);
        next.Decisions(most: 3).Select(d => d.Id).Should().Equal(25, 24, 23);

        static void Check(BalancerStore store)
        {
            store.Decisions().Select(d => d.Id).Should().Equal(Enumerable.Range(16, 10).Reverse().Select(i => (long)i));
            store.Decisions(kind: "move").Should().OnlyContain(d => d.Kind == "move").And.HaveCount(5);
            store.Decisions(subject: "e24").Should().ContainSingle().Which.Id.Should().Be(25);
            store.Decisions(plan: "p2").Should().HaveCount(5);
        }
    }

    [Fact]
    public async Task A_damaged_file_is_set_aside_with_one_warning_and_the_store_works()
    {
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(Path)!);
        await File.WriteAllTextAsync(Path, new string('x', 5000), TestContext.Current.CancellationToken);
        await using (var store = Open())
        {
            store.Save(Load);
        }

        Said.Should().ContainSingle().Which.Should().ContainAll(Path, "corrupt-20300101T000000Z");
        File.ReadAllText($"{Path}.corrupt-20300101T000000Z").Should().StartWith("xxx");
        await using var next = Open();
        next.Load("m", "f").Should().NotBeNull();
    }

    [Fact]
    public async Task A_file_with_a_hole_in_its_pages_is_set_aside()
    {
        await using (var store = Open())
        {
            for (var i = 0; i < 500; i++)
            {
                store.Add(Decide("plan", new string('s', 100)));
            }
        }

        using (var file = File.OpenWrite(Path))
        {
            file.Seek(8192, SeekOrigin.Begin);
            file.Write(new byte[30_000]);
        }

        await using var next = Open();
        next.IsInMemory.Should().BeFalse();
        next.Decisions().Should().BeEmpty();
        Said.Should().ContainSingle().Which.Should().Contain("set aside");
    }

    [Fact]
    public async Task A_file_of_a_newer_version_is_set_aside_and_says_so()
    {
        await Open().DisposeAsync();
        Execute("PRAGMA user_version = 99");
        await using var store = Open();
        store.IsInMemory.Should().BeFalse();
        Said.Should().ContainSingle().Which.Should().ContainAll("version 99", "up to 1");
    }

    [Fact]
    public async Task A_file_that_another_has_open_is_left_alone_and_the_store_is_in_memory()
    {
        await using (var first = Open())
        {
            first.Add(Decide("plan", "first"));
            await first.FlushAsync();
            await using (var second = Open())
            {
                second.IsInMemory.Should().BeTrue();
                second.Add(Decide("plan", "second"));
                second.Decisions().Should().ContainSingle();
                await second.FlushAsync();
            }

            first.Add(Decide("plan", "first again"));
        }

        Said.Should().ContainSingle().Which.Should().ContainAll(Path, "locked");
        await using var next = Open();
        next.Decisions().Select(d => d.Subject).Should().Equal("first again", "first");
    }

    [Fact]
    public async Task A_directory_that_can_not_be_made_leaves_the_store_in_memory_with_one_warning()
    {
        await File.WriteAllTextAsync(_folder["state"], "a file", TestContext.Current.CancellationToken);
        await using var store = Open();
        store.IsInMemory.Should().BeTrue();
        store.Save(Load);
        await store.FlushAsync();
        store.Load("m", "f").Should().BeSameAs(Load);
        Said.Should().ContainSingle().Which.Should().ContainAll(Path, "Store:Path", "memory");
    }

    [Fact]
    public async Task A_directory_that_can_not_be_written_leaves_the_store_in_memory_with_one_warning()
    {
        const string path = "/proc/store.db";
        if (!Directory.Exists("/proc/self"))
        {
            return;
        }

        await using var store = BalancerStore.Open(path, 10, Loads.Clock(), _log);
        store.IsInMemory.Should().BeTrue();
        Said.Should().ContainSingle().Which.Should().Contain(path);
    }

    [Fact]
    public async Task A_full_disk_is_told_once_and_memory_goes_on()
    {
        await using var store = Open();
        store.Add(Decide("plan", "before"));
        await store.FlushAsync();
        store.Fill();
        for (var i = 0; i < 3; i++)
        {
            store.Add(Decide("plan", new string('x', 100_000)));
            await store.FlushAsync();
        }

        store.IsInMemory.Should().BeTrue();
        store.Decisions().Should().HaveCount(4);
        Said.Should().ContainSingle().Which.Should().ContainAll(Path, "full");
    }

    [Fact]
    public async Task Without_a_file_everything_is_in_memory()
    {
        await using var store = BalancerStore.Open(null, 10, Loads.Clock(), _log);
        store.Save(Load);
        await store.FlushAsync();
        store.Load("m", "f").Should().BeSameAs(Load);
        Said.Should().BeEmpty();
        Directory.Exists(_folder["state"]).Should().BeFalse();
    }

    [Theory]
    [InlineData("none", 4053, null)]
    [InlineData(null, 0, null)]
    [InlineData("/a/b.db", 0, "/a/b.db")]
    public void The_file_is_where_it_was_said(string? set, int port, string? path) =>
        StorePath.Of(new StoreOptions { Path = set }, new NodeOptions { Port = port }).Should().Be(path);

    [Fact]
    public void By_default_each_node_of_a_host_has_a_file_of_its_own_below_the_users_state()
    {
        var one = StorePath.Of(new StoreOptions(), new NodeOptions { Port = 4053 });
        one.Should().EndWith(".db").And.Contain("expertcluster");
        StorePath.Of(new StoreOptions(), new NodeOptions { Port = 4053 }).Should().Be(one);
        StorePath.Of(new StoreOptions(), new NodeOptions { Port = 4054 }).Should().NotBe(one);
    }

    private BalancerStore Open(int history = 1000) => BalancerStore.Open(Path, history, Loads.Clock(), _log);

    private static Decision Decide(string kind, string subject) =>
        new(0, DateTimeOffset.UnixEpoch.AddSeconds(5), "m", 3, kind, subject, "because", """{"gain":0.1}""");

    private void Execute(string sql)
    {
        using var connection = new SqliteConnection($"Data Source={Path};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
