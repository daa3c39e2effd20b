using ExpertCluster.Models;
using ExpertCluster.Moe;
using ExpertCluster.Tensors.Checkpoints;
using static TorchSharp.torch;

namespace ExpertCluster.Tests.Models;

/// <summary>What Hugging Face transformers answered for the same weights and tokens.</summary>
public sealed class ParityTests
{
    private const double Tolerance = 1e-4;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("mixtral-tiny")]
    [InlineData("olmoe-tiny")]
    [InlineData("qwen3-moe-tiny")]
    public async Task A_golden_agrees_in_logits_and_every_intermediate_state(string name)
    {
        string directory = Folder("Goldens/" + name);
        await using ModelFixture fixture = await ModelFixture.LoadAsync(directory);
        using SafetensorsFile golden = SafetensorsFile.Open(Path.Combine(directory, "golden.safetensors"));
        int[][] ids = Rows(golden, "input_ids");
        using DecoderSequence first = fixture.Model.NewSequence();
        using DecoderSequence second = fixture.Model.NewSequence();
        var capture = new StepCapture();
        StepResult result = await fixture.Model.StepAsync(
            [new StepSlice(first, ids[0], LogitsWanted.All), new StepSlice(second, ids[1], LogitsWanted.All)], fixture.Experts, Ct, capture);
        Error([.. result.Logits[0], .. result.Logits[1]], golden.ReadFloats("logits")).Should().BeLessThan(Tolerance);
        capture.HiddenStates.Should().HaveCount(fixture.Model.Shape.Layers + 1);
        for (int i = 0; i < capture.HiddenStates.Count; i++)
        {
            Error(capture.HiddenStates[i], golden.ReadFloats($"hidden_states.{i}")).Should().BeLessThan(Tolerance);
        }

        for (int i = 0; i < capture.RouterLogits.Count; i++)
        {
            Error(capture.RouterLogits[i], golden.ReadFloats($"router_logits.{i}")).Should().BeLessThan(Tolerance);
        }

        ModelShape shape = fixture.Model.Shape;
        float loss = await fixture.Executor.RunAsync(
            () => AuxiliaryLoss.LoadBalancing(
                [.. capture.RouterLogits.Select(l => tensor(l).reshape(-1, shape.ExpertsPerLayer))], shape.ExpertsPerLayer, shape.ExpertsPerToken)
                .item<float>(),
            Ct);
        Error([loss], golden.ReadFloats("aux_loss")).Should().BeLessThan(Tolerance);
        int[] generated = Rows(golden, "generated")[0];
        (await fixture.GenerateAsync(ids[0], generated.Length - ids[0].Length)).Should().Equal(generated);
    }

    [Theory]
    [InlineData("mixtral-tiny")]
    [InlineData("olmoe-tiny")]
    [InlineData("qwen3-moe-tiny")]
    public async Task A_golden_agrees_token_by_token_through_the_cache(string name)
    {
        string directory = Folder("Goldens/" + name);
        await using ModelFixture fixture = await ModelFixture.LoadAsync(directory);
        using SafetensorsFile golden = SafetensorsFile.Open(Path.Combine(directory, "golden.safetensors"));
        float[] expected = golden.ReadFloats("logits");
        var actual = new List<float>();
        foreach (int[] row in Rows(golden, "input_ids"))
        {
            using DecoderSequence sequence = fixture.Model.NewSequence();
            foreach (int token in row)
            {
                actual.AddRange(await fixture.LogitsAsync(sequence, [token]));
            }
        }

        Error([.. actual], expected).Should().BeLessThan(Tolerance);
    }

    [Theory]
    [InlineData("folio-moe")]
    [InlineData("folio-moe-skewed")]
    public async Task The_trained_model_agrees(string name)
    {
        string directory = Folder("config/models/" + name);
        await using ModelFixture fixture = await ModelFixture.LoadAsync(directory);
        using SafetensorsFile golden = SafetensorsFile.Open(Path.Combine(directory, "golden.safetensors"));
        int vocabulary = fixture.Model.Shape.VocabularySize;
        var last = new List<float>();
        double nll = 0;
        int count = 0;
        foreach (int[] row in Rows(golden, "input_ids"))
        {
            using DecoderSequence sequence = fixture.Model.NewSequence();
            float[] logits = await fixture.LogitsAsync(sequence, row, LogitsWanted.All);
            last.AddRange(logits[^vocabulary..]);
            for (int i = 0; i + 1 < row.Length; i++, count++)
            {
                ArraySegment<float> at = new(logits, i * vocabulary, vocabulary);
                double max = at.Max();
                nll += max + Math.Log(at.Sum(l => Math.Exp(l - max))) - at[row[i + 1]];
            }
        }

        Error([.. last], golden.ReadFloats("logits_last")).Should().BeLessThan(Tolerance);
        Error([(float)(nll / count)], golden.ReadFloats("nll")).Should().BeLessThan(Tolerance);
        int[] prompt = Rows(golden, "prompt_ids")[0];
        int[] generated = Rows(golden, "generated")[0];
        (await fixture.GenerateAsync(prompt, generated.Length - prompt.Length)).Should().Equal(generated);
    }

    private static string Folder(string relative) => Path.Combine(AppContext.BaseDirectory, relative);

    private static double Error(float[] actual, float[] expected) => ModelFixture.RelativeError(actual, expected);

    private static int[][] Rows(SafetensorsFile file, string name)
    {
        long[] values = file.ReadLongs(name);
        int width = (int)file[name].Shape[^1];
        return [.. values.Select(v => (int)v).Chunk(width)];
    }
}
