using ExpertCluster.Models;
using ExpertCluster.Moe;
using ExpertCluster.Tensors.Checkpoints;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Tests.Models;

/// <summary>
/// Mixtral written the plain way – no cache, repeated keys and values, full masks, one token after the other through the experts –
/// to compare the fast one with.
/// </summary>
public static class NaiveMixtral
{
    public static float[] Logits(ModelCheckpoint checkpoint, int[] ids)
    {
        using var scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        CheckpointTensors w = checkpoint.Tensors;
        DecoderSpec spec = checkpoint.Decoder!;
        int t = ids.Length;
        int d = spec.HeadDim;
        int group = spec.Heads / spec.KvHeads;
        Tensor x = Read("model.embed_tokens.weight").index_select(0, tensor(ids.Select(i => (long)i).ToArray()));
        for (int layer = 0; layer < checkpoint.Shape.Layers; layer++)
        {
            string p = $"model.layers.{layer}.";
            Tensor n = Norm(x, Read(p + "input_layernorm.weight"));
            Tensor q = Rotate(n.mm(Read(p + "self_attn.q_proj.weight").t()).view(t, spec.Heads, d).transpose(0, 1));
            Tensor k = Rotate(n.mm(Read(p + "self_attn.k_proj.weight").t()).view(t, spec.KvHeads, d).transpose(0, 1));
            Tensor v = n.mm(Read(p + "self_attn.v_proj.weight").t()).view(t, spec.KvHeads, d).transpose(0, 1);
            k = k.repeat_interleave(group, 0);
            v = v.repeat_interleave(group, 0);
            Tensor scores = q.matmul(k.transpose(1, 2)).div(Math.Sqrt(d)) + Mask(t, spec.SlidingWindow ?? t);
            Tensor a = scores.softmax(-1).matmul(v).transpose(0, 1).reshape(t, spec.Heads * d);
            x = x + a.mm(Read(p + "self_attn.o_proj.weight").t());
            x = x + Experts(Norm(x, Read(p + "post_attention_layernorm.weight")), p + "block_sparse_moe.");
        }

        Tensor head = Read(spec.TiedHead ? "model.embed_tokens.weight" : "lm_head.weight");
        return Norm(x, Read("model.norm.weight")).mm(head.t()).data<float>().ToArray();

        Tensor Read(string name) => w.FileOf(name).Read(name, CPU, ScalarType.Float32);

        Tensor Norm(Tensor rows, Tensor weight) => rows * (rows.pow(2).mean([-1], true) + spec.NormEpsilon).rsqrt() * weight;

        Tensor Rotate(Tensor heads)
        {
            Tensor frequency = tensor(Enumerable.Range(0, d / 2).Select(i => (float)(1 / Math.Pow(spec.Rope!.Theta, 2.0 * i / d))).ToArray());
            Tensor angles = arange(t, ScalarType.Float32).unsqueeze(1) * frequency;
            Tensor both = cat([angles, angles], 1);
            Tensor half = cat([-heads.narrow(2, d / 2, d / 2), heads.narrow(2, 0, d / 2)], 2);
            return (heads * both.cos()) + (half * both.sin());
        }

        Tensor Experts(Tensor rows, string p)
        {
            Tensor logits = rows.mm(Read(p + "gate.weight").t());
            int experts = checkpoint.Shape.ExpertsPerLayer;
            RoutingDecision routing = TopKGate.Route(
                logits.data<float>().ToArray(), t, experts, checkpoint.Shape.ExpertsPerToken, true);
            Tensor y = zeros_like(rows);
            for (int slot = 0; slot < routing.Slots; slot++)
            {
                string e = $"{p}experts.{routing.Experts[slot]}.";
                int token = slot / routing.TopK;
                Tensor row = rows.narrow(0, token, 1);
                Tensor hidden = nn.functional.silu(row.mm(Read(e + "w1.weight").t())) * row.mm(Read(e + "w3.weight").t());
                y.narrow(0, token, 1).add_(hidden.mm(Read(e + "w2.weight").t()) * routing.Weights[slot]);
            }

            return y;
        }
    }

    private static Tensor Mask(int t, int window)
    {
        float[] values = new float[t * t];
        for (int i = 0; i < t; i++)
        {
            for (int j = 0; j < t; j++)
            {
                values[(i * t) + j] = j <= i && j > i - window ? 0 : float.NegativeInfinity;
            }
        }

        return tensor(values, [t, t]);
    }
}
