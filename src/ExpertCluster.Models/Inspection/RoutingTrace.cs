using System.Runtime.InteropServices;

namespace ExpertCluster.Models.Inspection;

/// <summary>
/// Which experts took each token of some texts. Takes two bytes per choice: 100,000 tokens through 60 layers of 8 choices are 96 MB, less
/// than counters of every token and expert in every layer would, and neighbours and shuffles can still be counted. Not thread-safe.
/// </summary>
public sealed class RoutingTrace
{
    private readonly List<int> _tokens = [];
    private readonly List<ushort>[] _choices;
    private readonly List<TraceWindow> _windows = [];

    /// <summary>An empty trace.</summary>
    /// <param name="layers">Model layer index of each layer with experts, ascending, at least one.</param>
    /// <param name="experts">Experts E of each, 1 to 65536.</param>
    /// <param name="topK">Experts k that take each token, 1 to E.</param>
    /// <param name="files">Number of texts, at least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range.</exception>
    public RoutingTrace(IReadOnlyList<int> layers, int experts, int topK, int files)
    {
        ArgumentOutOfRangeException.ThrowIfZero(layers.Count);
        ArgumentOutOfRangeException.ThrowIfLessThan(experts, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(experts, ushort.MaxValue + 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(topK, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(topK, experts);
        ArgumentOutOfRangeException.ThrowIfLessThan(files, 1);
        Layers = layers;
        Experts = experts;
        TopK = topK;
        Files = files;
        _choices = [.. layers.Select(_ => new List<ushort>())];
    }

    /// <summary>Model layer index of each layer with experts.</summary>
    public IReadOnlyList<int> Layers { get; }

    /// <summary>Experts E of each layer.</summary>
    public int Experts { get; }

    /// <summary>Experts k that take each token.</summary>
    public int TopK { get; }

    /// <summary>Number of texts.</summary>
    public int Files { get; }

    /// <summary>Tokens T so far.</summary>
    public int Count => _tokens.Count;

    /// <summary>Their ids, [T].</summary>
    public ReadOnlySpan<int> Tokens => CollectionsMarshal.AsSpan(_tokens);

    /// <summary>The windows, in the order of their tokens.</summary>
    public IReadOnlyList<TraceWindow> Windows => _windows;

    /// <summary>The experts chosen in one layer, [T,k], a token's first choice first.</summary>
    /// <param name="layer">Index into <see cref="Layers"/>.</param>
    public ReadOnlySpan<ushort> Choices(int layer) => CollectionsMarshal.AsSpan(_choices[layer]);

    /// <summary>Adds a window.</summary>
    /// <param name="file">Index of its text.</param>
    /// <param name="tokens">Token ids, [n].</param>
    /// <param name="choices">For each of <see cref="Layers"/> the experts chosen, [n,k]: different ones for a token, first choice first.</param>
    /// <exception cref="ArgumentException">No such text, no tokens, a length that does not fit, or no such expert; nothing was added.</exception>
    public void Append(int file, ReadOnlySpan<int> tokens, IReadOnlyList<ushort[]> choices)
    {
        if ((uint)file >= (uint)Files || tokens.IsEmpty || choices.Count != _choices.Length)
        {
            throw new ArgumentException($"File {file} of {Files}, {tokens.Length} tokens, {choices.Count} layers of {_choices.Length} do not fit.");
        }

        foreach (ushort[] layer in choices)
        {
            if (layer.Length != tokens.Length * TopK || layer.Max() >= Experts)
            {
                throw new ArgumentException(
                    $"{layer.Length} choices, the highest {layer.DefaultIfEmpty().Max()}, are not {tokens.Length} × {TopK} of {Experts} experts.",
                    nameof(choices));
            }
        }

        _windows.Add(new TraceWindow(file, _tokens.Count, tokens.Length));
        _tokens.AddRange(tokens);
        for (int i = 0; i < choices.Count; i++)
        {
            _choices[i].AddRange(choices[i]);
        }
    }
}
