using ExpertCluster.Transport;

namespace ExpertCluster.Tests.Transport;

/// <summary>Answers frames as the test says.</summary>
internal sealed class DelegateHandler(Func<DispatchFrame, Task<DispatchResult>> handle) : IDispatchHandler
{
    /// <summary>Sends the rows back as they are.</summary>
    public static DelegateHandler Echo { get; } = new(frame =>
    {
        var rows = RowBuffer.Rent(frame.Rows.Memory.Length, 1);
        frame.Rows.Memory.CopyTo(rows.Memory);
        return Task.FromResult(new DispatchResult([.. frame.Segments.Select(s => new SegmentResult(SegmentStatus.Done, s.Rows))], rows, 1));
    });

    public Task<DispatchResult> HandleAsync(DispatchFrame frame) => handle(frame);
}
