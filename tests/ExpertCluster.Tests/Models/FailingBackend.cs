using ExpertCluster.Models;

namespace ExpertCluster.Tests.Models;

/// <summary>Fails at one layer.</summary>
public sealed class FailingBackend(IExpertBackend inner, int failAt) : IExpertBackend
{
    public Task ApplyAsync(int layer, RoutedRows rows, Memory<float> output, CancellationToken ct) =>
        layer == failAt ? throw new IOException("gone") : inner.ApplyAsync(layer, rows, output, ct);
}
