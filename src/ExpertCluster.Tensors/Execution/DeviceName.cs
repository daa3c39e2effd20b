using System.Globalization;
using TorchSharp;

namespace ExpertCluster.Tensors;

/// <summary>Turns a device's name into the device, checking that it exists.</summary>
internal static class DeviceName
{
    public static torch.Device Resolve(string name)
    {
        if (name == "cpu")
        {
            return torch.CPU;
        }

        const string prefix = "cuda:";
        if (!name.StartsWith(prefix, StringComparison.Ordinal)
            || !int.TryParse(name.AsSpan(prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out int index))
        {
            throw new ArgumentException($"Device '{name}' is not known; use cpu or cuda:N, for example cuda:0.", nameof(name));
        }

        if (!LibTorch.Info.Cuda)
        {
            throw new ArgumentException(
                $"Device '{name}' needs a libtorch with CUDA; the one loaded from {LibTorch.Info.Directory} is for CPU only. "
                + $"Set {LibTorch.DirectoryVariable} to a CUDA build, or use device cpu.",
                nameof(name));
        }

        int count = torch.cuda.is_available() ? torch.cuda.device_count() : 0;
        if (index >= count)
        {
            string found = count == 0 ? "no CUDA device" : $"{count} CUDA device(s), cuda:0 to cuda:{count - 1}";
            throw new ArgumentException($"Device '{name}' does not exist: this machine has {found}.", nameof(name));
        }

        return new torch.Device(DeviceType.CUDA, index);
    }
}
