using System.Threading.Channels;
using ExpertCluster.Contracts;
using ExpertCluster.Transport;

namespace ExpertCluster.Cluster.Tests.Routing;

/// <summary>A lane that hands every frame to the test.</summary>
internal sealed class ScriptedLane : IExpertLane
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly Channel<LaneCall> _calls = Channel.CreateUnbounded<LaneCall>();

    /// <summary>Sees each frame on the router's thread, before the test does.</summary>
    public Action<LaneCall>? Sent { get; set; }

    public Task<DispatchResult> DispatchAsync(NodeId node, DispatchFrame frame, CancellationToken cancellationToken)
    {
        using (frame)
        {
            var call = new LaneCall(node, frame);
            Sent?.Invoke(call);
            _calls.Writer.TryWrite(call);
            return call.Answered;
        }
    }

    public async Task<LaneCall> NextAsync() => await _calls.Reader.ReadAsync().AsTask().WaitAsync(Patience);

    public Task<bool> WaitAsync(CancellationToken cancellationToken) => _calls.Reader.WaitToReadAsync(cancellationToken).AsTask();

    public LaneCall? TryNext() => _calls.Reader.TryRead(out var call) ? call : null;
}
