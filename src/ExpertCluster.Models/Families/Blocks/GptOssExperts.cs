using System.Runtime.InteropServices;
using ExpertCluster.Moe;
using TorchSharp;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Models.Families.Blocks;

/// <summary>
/// GPT-OSS's experts, always fused, their two halves interleaved row by row. MXFP4: <c>gate_up_proj_blocks</c> [E,2F,H÷32,16] with
/// <c>_scales</c> [E,2F,H÷32], <c>down_proj_blocks</c> [E,H,F÷32,16]. Otherwise <c>gate_up_proj</c> [E,H,2F] and <c>down_proj</c>
/// [E,F,H], transposed. Biases <c>gate_up_proj_bias</c> [E,2F] and <c>down_proj_bias</c> [E,H].
/// </summary>
/// <param name="hiddenSize">H.</param>
/// <param name="width">F.</param>
/// <param name="limit">Bound of the clamped SwiGLU.</param>
/// <param name="mxfp4">Whether MXFP4 is expected.</param>
public sealed class GptOssExperts(long hiddenSize, long width, double limit, bool mxfp4) : ExpertsBlock
{
    /// <inheritdoc/>
    public override long Bytes => ((3 * hiddenSize * width) + (2 * width) + hiddenSize) * sizeof(float);

    /// <inheritdoc/>
    public override void Validate(WeightReader weights, string prefix, int experts)
    {
        Matrix("gate_up_proj", 2 * width, hiddenSize);
        Matrix("down_proj", hiddenSize, width);
        weights.Require(prefix + "gate_up_proj_bias", experts, 2 * width);
        weights.Require(prefix + "down_proj_bias", experts, hiddenSize);

        void Matrix(string name, long rows, long columns)
        {
            if (mxfp4)
            {
                weights.RequireBytes($"{prefix}{name}_blocks", experts, rows, columns / Mxfp4.Block, Mxfp4.BlockBytes);
                weights.RequireBytes($"{prefix}{name}_scales", experts, rows, columns / Mxfp4.Block);
            }
            else
            {
                weights.Require(prefix + name, experts, columns, rows);
            }
        }
    }

    /// <inheritdoc/>
    public override IExpertNetwork Load(WeightReader weights, string prefix, int expert, Device device)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor both = Apart(Matrix("gate_up_proj", 2 * width, hiddenSize));
        Tensor bias = Apart(weights.ReadPart(prefix + "gate_up_proj_bias", expert, device, 2 * width));
        Tensor down = Matrix("down_proj", hiddenSize, width);
        Tensor downBias = weights.ReadPart(prefix + "down_proj_bias", expert, device, hiddenSize);
        return new ClampedSwiGluExpert(
            both.DetachFromDisposeScope(), bias.DetachFromDisposeScope(), down.DetachFromDisposeScope(), downBias.DetachFromDisposeScope(), limit);

        Tensor Matrix(string name, long rows, long columns)
        {
            if (!mxfp4)
            {
                return weights.ReadPart(prefix + name, expert, device, columns, rows).t().contiguous();
            }

            Tensor values = empty([rows, columns], ScalarType.Float32);
            Mxfp4.Dequantise(
                weights.Bytes($"{prefix}{name}_blocks", expert),
                weights.Bytes($"{prefix}{name}_scales", expert),
                MemoryMarshal.Cast<byte, float>(values.bytes));
            return weights.Place(values, device);
        }
    }

    /// <summary>Even rows above odd ones: the halves one above the other.</summary>
    private static Tensor Apart(Tensor rows) => cat([rows.slice(0, 0, rows.shape[0], 2), rows.slice(0, 1, rows.shape[0], 2)], 0);
}
