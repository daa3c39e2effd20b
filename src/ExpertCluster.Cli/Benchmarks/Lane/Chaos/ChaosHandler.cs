using ExpertCluster.Transport;

namespace ExpertCluster.Cli.Benchmarks.Lane.Chaos;

/// <summary>Answers every frame by the pattern, on the pool: frames overtake each other.</summary>
internal sealed class ChaosHandler : IDispatchHandler
{
    public Task<DispatchResult> HandleAsync(DispatchFrame frame) => Task.Run(() =>
    {
        var rows = RowBuffer.Rent(frame.Rows.Memory.Length, 1);
        if (frame.Rows.Memory.Length > 0)
        {
            ChaosPattern.Answer(frame.Rows.Memory.Span, rows.Memory.Span);
        }

        return new DispatchResult([.. frame.Segments.Select(_ => new SegmentResult(SegmentStatus.Done, 1))], rows, 0);
    });
}
