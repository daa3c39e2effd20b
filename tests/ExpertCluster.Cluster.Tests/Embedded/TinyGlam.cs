using System.Text.Json.Nodes;
using ExpertCluster.Models;
using ExpertCluster.Tensors;
using ExpertCluster.Tensors.Checkpoints;

namespace ExpertCluster.Cluster.Tests.Embedded;

/// <summary>A random GLaM checkpoint in a temporary folder, and its answers in process.</summary>
internal sealed class TinyGlam : IDisposable
{
    public const int Layers = 6;

    /// <summary>No multiple of three: on three nodes, layers planned one by one would not agree by accident.</summary>
    public const int Experts = 5;

    public const int Vocabulary = 64;
    private const int Hidden = 32;
    private const int Inner = 48;
    private const int Heads = 4;
    private const int Buckets = 16;

    private readonly Random _random = new(11);

    public TinyGlam()
    {
        var config = new JsonObject
        {
            ["model_type"] = "glam",
            ["hidden_size"] = Hidden,
            ["num_hidden_layers"] = Layers,
            ["num_attention_heads"] = Heads,
            ["intermediate_size"] = Inner,
            ["num_experts"] = Experts,
            ["relative_attention_num_buckets"] = Buckets,
            ["relative_attention_max_distance"] = 40,
            ["max_position_embeddings"] = 256,
            ["vocab_size"] = Vocabulary,
            ["tie_word_embeddings"] = true,
        };
        File.WriteAllText(Path.Combine(Folder, "config.json"), config.ToJsonString());
        SafetensorsWriter.Write(Path.Combine(Folder, "model.safetensors"), [.. Tensors()]);
    }

    public string Folder { get; } = Directory.CreateTempSubdirectory("tiny-glam-").FullName;

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    /// <summary>Greedy continuation of a prompt, and the logits of all its positions, [rows,V].</summary>
    public async Task<(int[] Generated, float[] Logits)> AnswerInProcessAsync(int[] prompt, int count, CancellationToken stop)
    {
        using var checkpoint = ModelCheckpoint.Open(Folder);
        await using var executor = new DeviceExecutor("cpu", 1);
        await using var model = checkpoint.LoadDense(executor);
        using var experts = await LocalExperts.LoadAsync(checkpoint, executor);
        var generated = new List<int>();
        using (var sequence = model.NewSequence())
        {
            for (var next = prompt; generated.Count < count; next = [generated[^1]])
            {
                var step = await model.StepAsync([new StepSlice(sequence, next, LogitsWanted.Last)], experts, stop);
                generated.Add(Array.IndexOf(step.Logits[0], step.Logits[0].Max()));
            }
        }

        using var whole = model.NewSequence();
        var all = await model.StepAsync([new StepSlice(whole, prompt.Concat(generated).ToArray(), LogitsWanted.All)], experts, stop);
        return ([.. generated], all.Logits[0]);
    }

    private IEnumerable<TensorToWrite> Tensors()
    {
        yield return Matrix("model.embed_tokens.weight", Vocabulary, Hidden);
        yield return Norm("model.norm.weight");
        for (var layer = 0; layer < Layers; layer++)
        {
            var prefix = $"model.layers.{layer}.";
            yield return Norm(prefix + "input_layernorm.weight");
            yield return Norm(prefix + "post_attention_layernorm.weight");
            foreach (var name in new[] { "q_proj", "k_proj", "v_proj", "o_proj" })
            {
                yield return Matrix($"{prefix}self_attn.{name}.weight", Hidden, Hidden);
            }

            yield return Floats(prefix + "self_attn.relative_attention_bias.weight", [Buckets, Heads], 0, 2);
            if (layer % 2 == 0)
            {
                yield return Matrix(prefix + "mlp.gate_proj.weight", Inner, Hidden);
                yield return Matrix(prefix + "mlp.up_proj.weight", Inner, Hidden);
                yield return Matrix(prefix + "mlp.down_proj.weight", Hidden, Inner);
                continue;
            }

            yield return Matrix(prefix + "mlp.gate.weight", Experts, Hidden);
            for (var expert = 0; expert < Experts; expert++)
            {
                yield return Matrix($"{prefix}mlp.experts.{expert}.wi.weight", Inner, Hidden);
                yield return Matrix($"{prefix}mlp.experts.{expert}.wo.weight", Hidden, Inner);
            }
        }
    }

    private TensorToWrite Norm(string name) => Floats(name, [Hidden], 1, 0.2);

    private TensorToWrite Matrix(string name, long rows, long columns) => Floats(name, [rows, columns], 0, Math.Sqrt(3.0 / columns));

    private TensorToWrite Floats(string name, long[] shape, double centre, double spread) => TensorToWrite.Floats(
        name, shape, [.. Enumerable.Range(0, (int)shape.Aggregate((a, b) => a * b)).Select(_ => (float)(centre + (spread * ((2 * _random.NextDouble()) - 1))))]);
}
