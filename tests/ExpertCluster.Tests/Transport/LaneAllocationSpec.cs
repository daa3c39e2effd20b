using System.Collections.Concurrent;
using ExpertCluster.Contracts;
using ExpertCluster.Transport;

namespace ExpertCluster.Tests.Transport;

[Collection(Alone.Name)]
public sealed class LaneAllocationSpec
{
    [Fact]
    public async Task A_thousand_frames_allocate_little_and_leave_nothing_behind()
    {
        var known = new ConcurrentDictionary<NodeId, LaneEndpoint>();
        using var a = new LaneNode(known);
        using var b = new LaneNode(known);
        async Task RoundAsync(int count)
        {
            for (var i = 0; i < count; i++)
            {
                var rows = RowBuffer.Rent(16, 1024);
                var frame = new DispatchFrame("m", 0, 1, TimeSpan.FromSeconds(30), 1024, [new DispatchSegment(default, 16)], rows);
                (await a.Lane.DispatchAsync(b.Self, frame, CancellationToken.None)).Dispose();
            }
        }

        await RoundAsync(500);
        var before = GC.GetTotalAllocatedBytes(precise: true);
        await RoundAsync(2000);
        var each = (GC.GetTotalAllocatedBytes(precise: true) - before) / 2000.0;
        TestContext.Current.TestOutputHelper?.WriteLine($"{each:0} bytes a round trip of two 64 KiB frames, both ends and this test together");
        each.Should().BeLessThan(4096, "no body is allocated: one has 65,536 bytes");
        (a.Lane.InFlight, b.Lane.InFlight).Should().Be(((0, 0), (0, 0)));
    }
}
