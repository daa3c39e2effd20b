namespace ExpertCluster.Tensors;

/// <summary>libtorch or its TorchSharp binding could not be loaded. The message lists what was tried, why each failed and what to do.</summary>
public sealed class LibTorchNotFoundException : Exception
{
    /// <summary>Creates the exception with a finished message.</summary>
    public LibTorchNotFoundException(string message)
        : base(message)
    {
    }

    internal static LibTorchNotFoundException From(string summary, IEnumerable<string> trace) => new(
        summary + Environment.NewLine
        + "Tried:" + Environment.NewLine
        + string.Concat(trace.Select(line => "  - " + line + Environment.NewLine))
        + "What to do: build with -p:Torch=cpu so that libtorch comes by NuGet, or set LIBTORCH to a folder that holds "
        + NativeNames.Library("torch_cpu") + " (for example the torch/lib folder of a PyTorch 2.10 installation).");
}
