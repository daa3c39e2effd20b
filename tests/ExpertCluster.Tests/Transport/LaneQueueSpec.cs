using CsCheck;
using ExpertCluster.Transport.Lane;

namespace ExpertCluster.Tests.Transport;

public sealed class LaneQueueSpec
{
    [Fact]
    public void It_keeps_its_turns_whatever_is_taken_out_of_its_midst() =>
        Gen.Select(Gen.Int[0, 3], Gen.Int[0, 9]).Array[0, 60].Sample(steps =>
        {
            LaneMessage[] messages = [.. Enumerable.Range(0, 10).Select(i => new LaneMessage(PacketKind.Open, (ulong)i, null, null))];
            var (queue, other) = (new LaneQueue(), new LaneQueue());
            var expected = new List<LaneMessage>();
            foreach (var (what, which) in steps)
            {
                var message = messages[which];
                switch (what)
                {
                    case 0 or 1 when message.Queue is null:
                        queue.Enqueue(message);
                        expected.Add(message);
                        break;
                    case 2:
                        Assert.Equal(expected.Remove(message), queue.Remove(message));
                        Assert.False(other.Remove(message));
                        break;
                    case 3:
                        Assert.Equal(expected.Count > 0, queue.TryDequeue(out var first));
                        Assert.Same(expected.FirstOrDefault(), first);
                        expected.Remove(first!);
                        break;
                }

                Assert.Equal(expected.Count > 0, queue.TryPeek(out var next));
                Assert.Same(expected.FirstOrDefault(), next);
            }

            while (queue.TryDequeue(out var message))
            {
                Assert.Same(expected[0], message);
                expected.RemoveAt(0);
                Assert.True(message is { Queue: null, Next: null, Previous: null });
            }

            Assert.Empty(expected);
        });
}
