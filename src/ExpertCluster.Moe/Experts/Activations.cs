using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe;

/// <summary>Names and arithmetic of <see cref="Activation"/>.</summary>
public static class Activations
{
    private static readonly Dictionary<string, Activation> ByName = new(StringComparer.Ordinal)
    {
        ["relu"] = Activation.Relu,
        ["gelu"] = Activation.Gelu,
        ["gelu_new"] = Activation.GeluTanh,
        ["gelu_pytorch_tanh"] = Activation.GeluTanh,
        ["silu"] = Activation.Silu,
        ["swish"] = Activation.Silu,
    };

    /// <summary>The names that <see cref="TryParse"/> knows.</summary>
    public static IReadOnlyCollection<string> Names => ByName.Keys;

    /// <summary>Finds an activation by the name that a config.json gives it.</summary>
    public static bool TryParse(string? name, out Activation activation) => ByName.TryGetValue(name ?? "", out activation);

    /// <summary>Applies an activation where the values lie; a view will do.</summary>
    /// <exception cref="ArgumentOutOfRangeException">No such activation.</exception>
    public static void ApplyInPlace(Tensor values, Activation activation)
    {
        ArgumentNullException.ThrowIfNull(values);
        switch (activation)
        {
            case Activation.Relu:
                values.relu_();
                break;
            case Activation.Gelu:
                values.gelu_();
                break;
            case Activation.GeluTanh:
                values.gelu_(TorchSharp.Modules.GELU.Approximate.tanh);
                break;
            case Activation.Silu:
                values.silu_();
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(activation), activation, "No such activation.");
        }
    }
}
