using System.Text.Json;
using System.Text.Json.Nodes;
using ExpertCluster.Tensors.Checkpoints;

namespace ExpertCluster.Models.Synthetic;

/// <summary>Writes random Mixtral checkpoints in the form the hub publishes them.</summary>
public static class SyntheticCheckpoint
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <summary>Writes config.json and the weights into a folder, which is made if need be. Nothing is held in memory.</summary>
    public static void Write(string directory, SyntheticCheckpointOptions options)
    {
        ArgumentException.ThrowIfNullOrEmpty(directory);
        ArgumentNullException.ThrowIfNull(options);
        Directory.CreateDirectory(directory);
        File.WriteAllText(Path.Combine(directory, "config.json"), Config(options).ToJsonString(Indented));
        TensorToWrite[] tensors = [.. Tensors(options)];
        if (options.Shards == 1)
        {
            SafetensorsWriter.Write(Path.Combine(directory, CheckpointTensors.SingleFile), tensors);
            return;
        }

        var map = new JsonObject();
        for (int shard = 0; shard < options.Shards; shard++)
        {
            string name = $"model-{shard + 1:D5}-of-{options.Shards:D5}.safetensors";
            TensorToWrite[] part = [.. tensors.Where((_, i) => i % options.Shards == shard)];
            SafetensorsWriter.Write(Path.Combine(directory, name), part);
            foreach (TensorToWrite tensor in part)
            {
                map[tensor.Name] = name;
            }
        }

        var index = new JsonObject
        {
            ["metadata"] = new JsonObject { ["total_size"] = tensors.Sum(t => t.ByteLength) },
            ["weight_map"] = map,
        };
        File.WriteAllText(Path.Combine(directory, CheckpointTensors.IndexFile), index.ToJsonString(Indented));
    }

    private static JsonObject Config(SyntheticCheckpointOptions options)
    {
        var config = new JsonObject
        {
            ["architectures"] = new JsonArray("MixtralForCausalLM"),
            ["model_type"] = "mixtral",
            ["bos_token_id"] = 1,
            ["eos_token_id"] = 2,
            ["hidden_act"] = "silu",
            ["hidden_size"] = options.Hidden,
            ["intermediate_size"] = options.Ffn,
            ["max_position_embeddings"] = options.MaxContext,
            ["num_attention_heads"] = options.Heads,
            ["num_key_value_heads"] = options.KvHeads,
            ["num_hidden_layers"] = options.Layers,
            ["num_local_experts"] = options.Experts,
            ["num_experts_per_tok"] = options.TopK,
            ["rms_norm_eps"] = 1e-5,
            ["head_dim"] = options.HeadDim,
            ["sliding_window"] = options.SlidingWindow,
            ["tie_word_embeddings"] = options.Tied,
            ["vocab_size"] = options.Vocab,
        };
        if (options.OldRopeSpelling)
        {
            config["rope_theta"] = options.RopeTheta;
            config["rope_scaling"] = null;
        }
        else
        {
            config["rope_parameters"] = new JsonObject { ["rope_theta"] = options.RopeTheta, ["rope_type"] = "default" };
        }

        return config;
    }

    private static IEnumerable<TensorToWrite> Tensors(SyntheticCheckpointOptions options)
    {
        long h = options.Hidden;
        long f = options.Ffn;
        long d = options.HeadDim ?? options.Hidden / options.Heads;
        ulong next = options.Seed << 32;

        yield return Matrix("model.embed_tokens.weight", options.Vocab, h);
        yield return Norm("model.norm.weight");
        if (!options.Tied)
        {
            yield return Matrix("lm_head.weight", options.Vocab, h);
        }

        for (int layer = 0; layer < options.Layers; layer++)
        {
            string prefix = $"model.layers.{layer}.";
            yield return Norm(prefix + "input_layernorm.weight");
            yield return Norm(prefix + "post_attention_layernorm.weight");
            yield return Matrix(prefix + "self_attn.q_proj.weight", options.Heads * d, h);
            yield return Matrix(prefix + "self_attn.k_proj.weight", options.KvHeads * d, h);
            yield return Matrix(prefix + "self_attn.v_proj.weight", options.KvHeads * d, h);
            yield return Matrix(prefix + "self_attn.o_proj.weight", h, options.Heads * d);
            yield return Matrix(prefix + "block_sparse_moe.gate.weight", options.Experts, h);
            for (int expert = 0; expert < options.Experts; expert++)
            {
                string name = $"{prefix}block_sparse_moe.experts.{expert}.";
                yield return Matrix(name + "w1.weight", f, h);
                yield return Matrix(name + "w2.weight", h, f);
                yield return Matrix(name + "w3.weight", f, h);
            }
        }

        // Variance 1 ÷ inputs keeps activations of order 1 through any number of layers.
        TensorToWrite Matrix(string name, long rows, long columns) =>
            RandomTensor.Uniform(name, options.Type, [rows, columns], 0, MathF.Sqrt(3f / columns), Seed());

        TensorToWrite Norm(string name) => RandomTensor.Uniform(name, options.Type, [h], 1, 0.1f, Seed());

        ulong Seed() => ++next * 0xd1342543de82ef95;
    }
}
