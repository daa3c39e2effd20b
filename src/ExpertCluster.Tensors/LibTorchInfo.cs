namespace ExpertCluster.Tensors;

/// <summary>What <see cref="LibTorch.Load"/> found, for logs, <c>--version</c> output and bug reports.</summary>
/// <param name="Directory">Folder that libtorch was loaded from.</param>
/// <param name="Source">Which rule found it: <c>LIBTORCH</c>, <c>application</c> or <c>NuGet</c>.</param>
/// <param name="Binding">The TorchSharp native library that was loaded (the patched copy, when one was needed).</param>
/// <param name="Patched">Whether <paramref name="Binding"/> is a copy patched for a libstdc++ without GLIBCXX_3.4.32.</param>
/// <param name="Cuda">Whether CUDA libraries were loaded too. Says nothing about a GPU being there.</param>
/// <param name="Trace">What was tried, in order, one line each.</param>
public sealed record LibTorchInfo(
    string Directory, string Source, string Binding, bool Patched, bool Cuda, IReadOnlyList<string> Trace);
