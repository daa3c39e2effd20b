using ExpertCluster.Models;

namespace ExpertCluster.Cluster.Gateway;

/// <summary>
/// Runs a few tokens through the dense part of a model while the cluster still forms, so that compilation and the first allocations of
/// libtorch are not the first request's to wait for.
/// </summary>
internal static class DenseWarmUp
{
    private const int PromptTokens = 4;

    private const int Steps = 4;

    public static async Task RunAsync(SequenceModel model, CancellationToken cancellationToken)
    {
        using var sequence = model.NewSequence();
        if (model.Shape.MaxContext < PromptTokens + Steps)
        {
            return;
        }

        var experts = new NoExperts();
        if (model.Shape.IsEncoderDecoder)
        {
            await model.StepAsync(
                [new StepSlice(sequence, new int[PromptTokens], LogitsWanted.None, Encode: true)], experts, cancellationToken)
                .ConfigureAwait(false);
        }

        await model.StepAsync([new StepSlice(sequence, new int[PromptTokens], LogitsWanted.Last)], experts, cancellationToken)
            .ConfigureAwait(false);
        for (var i = 0; i < Steps; i++)
        {
            await model.StepAsync([new StepSlice(sequence, new int[1], LogitsWanted.Last)], experts, cancellationToken)
                .ConfigureAwait(false);
        }
    }

    private sealed class NoExperts : IExpertBackend
    {
        public Task ApplyAsync(int layer, RoutedRows rows, Memory<float> output, CancellationToken ct)
        {
            output.Span.Clear();
            return Task.CompletedTask;
        }
    }
}
