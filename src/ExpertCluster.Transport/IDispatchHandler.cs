namespace ExpertCluster.Transport;

/// <summary>The receiving end of a lane: gives each segment of a frame to its expert.</summary>
public interface IDispatchHandler
{
    /// <summary>Answers a frame. Never throws for the fault of one segment: that is a status of the segment.</summary>
    /// <param name="frame">Remains the caller's to dispose of, after the answer.</param>
    Task<DispatchResult> HandleAsync(DispatchFrame frame);
}
