using ExpertCluster.Models;
using ExpertCluster.Tensors;

namespace ExpertCluster.Tests.Models;

/// <summary>A checkpoint loaded completely into this process, on one executor with one libtorch thread.</summary>
public sealed class ModelFixture : IAsyncDisposable
{
    private ModelFixture(ModelCheckpoint checkpoint, DeviceExecutor executor, SequenceModel model, LocalExperts experts)
    {
        Checkpoint = checkpoint;
        Executor = executor;
        Model = model;
        Experts = experts;
    }

    public ModelCheckpoint Checkpoint { get; }

    public DeviceExecutor Executor { get; }

    public SequenceModel Model { get; }

    public LocalExperts Experts { get; }

    public static async Task<ModelFixture> LoadAsync(string directory, bool likeReference = false)
    {
        ModelCheckpoint checkpoint = ModelCheckpoint.Open(directory, likeReference);
        var executor = new DeviceExecutor("cpu", 1);
        return new ModelFixture(checkpoint, executor, checkpoint.LoadDense(executor), await LocalExperts.LoadAsync(checkpoint, executor));
    }

    public async Task<float[]> LogitsAsync(DecoderSequence sequence, int[] tokens, LogitsWanted wanted = LogitsWanted.Last, StepCapture? capture = null)
    {
        StepResult result = await Model.StepAsync(
            [new StepSlice(sequence, tokens, wanted)], Experts, TestContext.Current.CancellationToken, capture);
        return result.Logits[0];
    }

    /// <summary>A sequence whose source the encoder has read.</summary>
    public async Task<DecoderSequence> EncodeAsync(int[] source)
    {
        DecoderSequence sequence = Model.NewSequence();
        await Model.StepAsync(
            [new StepSlice(sequence, source, LogitsWanted.None, Encode: true)], Experts, TestContext.Current.CancellationToken);
        return sequence;
    }

    /// <summary>Prompt and greedy continuation; of an encoder–decoder, start token and answer.</summary>
    public async Task<int[]> GenerateAsync(int[] prompt, int count)
    {
        using DecoderSequence sequence = Model.Shape.IsEncoderDecoder ? await EncodeAsync(prompt) : Model.NewSequence();
        int[] next = Model.Shape.IsEncoderDecoder ? [Model.Shape.DecoderStartToken!.Value] : prompt;
        List<int> tokens = [.. next];
        for (int i = 0; i < count; i++)
        {
            float[] logits = await LogitsAsync(sequence, next);
            next = [Array.IndexOf(logits, logits.Max())];
            tokens.Add(next[0]);
            if (Model.Shape.EndTokens.Contains(next[0]))
            {
                break;
            }
        }

        return [.. tokens];
    }

    public async ValueTask DisposeAsync()
    {
        await Model.DisposeAsync();
        Experts.Dispose();
        await Executor.DisposeAsync();
        Checkpoint.Dispose();
    }

    /// <summary>Largest difference, relative to the largest expected value.</summary>
    public static double RelativeError(ReadOnlySpan<float> actual, ReadOnlySpan<float> expected)
    {
        actual.Length.Should().Be(expected.Length);
        double difference = 0;
        double largest = 0;
        for (int i = 0; i < actual.Length; i++)
        {
            difference = Math.Max(difference, Math.Abs((double)actual[i] - expected[i]));
            largest = Math.Max(largest, Math.Abs((double)expected[i]));
            float.IsFinite(actual[i]).Should().BeTrue();
        }

        return difference / largest;
    }
}
