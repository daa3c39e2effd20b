using TorchSharp;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Models.EncoderDecoder;

/// <summary>
/// A norm over the last axis: with a bias the layer norm of Ba et al. 2016 (arXiv:1607.06450), without one T5's root-mean-square norm.
/// </summary>
/// <param name="weight">[H], owned.</param>
/// <param name="bias">[H], owned; null for the root-mean-square norm.</param>
/// <param name="epsilon">Added to the variance or mean square.</param>
internal sealed class Norm(Tensor weight, Tensor? bias, double epsilon) : IDisposable
{
    private readonly Scalar _epsilon = epsilon.ToScalar();
    private readonly long[] _width = [weight.shape[0]];

    /// <summary>Norms [T,H]; the caller disposes the result.</summary>
    public Tensor Apply(Tensor rows) => bias is null
        ? Decoding.RmsNorm.Apply(rows, weight, _epsilon)
        : nn.functional.layer_norm(rows, _width, weight, bias, epsilon);

    public void Dispose()
    {
        weight.Dispose();
        bias?.Dispose();
        _epsilon.Dispose();
    }
}
