using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe.Layers;

/// <summary>
/// A whole layer of SwiGLU experts where its rows lie, in one script call: gate, softmax, top-k, sorting of rows by expert, two grouped
/// products, un-sorting and weighted sum. What an engine with all experts on one device does, and so what a cluster is compared with.
/// </summary>
/// <remarks>
/// The gate is computed in float32 with weights normalised over the chosen (Mixtral, arXiv:2401.04088), everything after it in the experts'
/// type. In bfloat16 the host waits for nothing; in float32, which the grouped product does not take, it waits once for the sizes of groups.
/// </remarks>
public sealed class ScriptedLayer : IDisposable
{
    private const string Route =
        "def layer(rows, gate, numbers, first, second, k: int):\n"
        + "    chances = torch.softmax(torch.linear(rows, gate), 1)\n"
        + "    weights, experts = torch.topk(chances, k, 1)\n"
        + "    weights = weights / weights.sum(1, keepdim=True)\n"
        + "    ordered, order = torch.sort(experts.view(-1), stable=True, dim=0, descending=False)\n"
        + "    ends = torch.searchsorted(ordered, numbers, right=True, out_int32=True)\n"
        + "    part = rows.to(first.dtype).index_select(0, torch.div(order, k, rounding_mode='floor'))\n"
        + "    answers = products(part, first, second, ends)\n"
        + "    back = torch.empty_like(answers).index_copy_(0, order, answers).view(-1, k, rows.size(1))\n"
        + "    return (back * weights.to(first.dtype).unsqueeze(2)).sum(1)\n";

    private const string Grouped =
        "def products(part, first, second, ends):\n"
        + "    gate, up = torch.chunk(torch._grouped_mm(part, first.transpose(1, 2), ends), 2, 1)\n"
        + "    return torch._grouped_mm(torch.silu(gate) * up, second.transpose(1, 2), ends)\n"
        + "def bare(part, inner, first, second, ends):\n"
        + "    return [torch._grouped_mm(part, first.transpose(1, 2), ends), torch._grouped_mm(inner, second.transpose(1, 2), ends)]\n";

    private const string OneByOne =
        "def products(part, first, second, ends):\n"
        + "    stops: List[int] = ends.long().tolist()\n"
        + "    parts: List[Tensor] = []\n"
        + "    start = 0\n"
        + "    for i in range(len(stops)):\n"
        + "        gate, up = torch.chunk(torch.linear(part.narrow(0, start, stops[i] - start), first[i]), 2, 1)\n"
        + "        parts.append(torch.linear(torch.silu(gate) * up, second[i]))\n"
        + "        start = stops[i]\n"
        + "    return torch.cat(parts)\n"
        + "def bare(part, inner, first, second, ends):\n"
        + "    stops: List[int] = ends.long().tolist()\n"
        + "    parts: List[Tensor] = []\n"
        + "    start = 0\n"
        + "    for i in range(len(stops)):\n"
        + "        parts.append(torch.linear(part.narrow(0, start, stops[i] - start), first[i]))\n"
        + "        parts.append(torch.linear(inner.narrow(0, start, stops[i] - start), second[i]))\n"
        + "        start = stops[i]\n"
        + "    return parts\n";

    private static readonly Lazy<jit.CompilationUnit> GroupedUnit = new(() => FixedScript.Compile(Grouped + Route));

    private static readonly Lazy<jit.CompilationUnit> PlainUnit = new(() => FixedScript.Compile(OneByOne + Route));

    private readonly jit.CompilationUnit _unit;
    private readonly Tensor _gate;
    private readonly Tensor _numbers;
    private readonly Tensor _first;
    private readonly Tensor _second;
    private readonly int _topK;

    private ScriptedLayer(Tensor gate, Tensor first, Tensor second, int topK)
    {
        long experts = first.shape[0];
        (_gate, _first, _second, _topK) = (gate, first, second, topK);
        _numbers = arange(experts, ScalarType.Int64, gate.device).DetachFromDisposeScope();
        HiddenSize = (int)second.shape[1];
        IntermediateSize = (int)second.shape[2];
        IsGrouped = first.dtype == ScalarType.BFloat16 && HiddenSize % 8 == 0 && IntermediateSize % 8 == 0 && FixedScript.HasGroupedProduct;
        _unit = (IsGrouped ? GroupedUnit : PlainUnit).Value;
    }

    /// <summary>H.</summary>
    public int HiddenSize { get; }

    /// <summary>F.</summary>
    public int IntermediateSize { get; }

    /// <summary>Element type of the experts.</summary>
    public ScalarType Type => _first.dtype;

    /// <summary>Whether its products are grouped ones.</summary>
    public bool IsGrouped { get; }

    /// <summary>Loads a layer's experts one after the other into one block each of first and second weights.</summary>
    /// <param name="gate">Float32 [E,H] on the experts' device, detached from any dispose scope; becomes the layer's.</param>
    /// <param name="topK">k, 1 to E.</param>
    /// <param name="load">Loads an expert, a <see cref="SwiGluExpert"/> with silu; it is copied and disposed of.</param>
    /// <exception cref="ArgumentException">An expert is of another kind.</exception>
    public static ScriptedLayer Load(Tensor gate, int topK, Func<int, IExpertNetwork> load)
    {
        ArgumentNullException.ThrowIfNull(gate);
        ArgumentNullException.ThrowIfNull(load);
        long experts = gate.shape[0];
        ArgumentOutOfRangeException.ThrowIfNotEqual(gate.Dimensions, 2, nameof(gate));
        ArgumentOutOfRangeException.ThrowIfLessThan(topK, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(topK, experts);
        Tensor? first = null, second = null;
        for (int expert = 0; expert < experts; expert++)
        {
            using IExpertNetwork network = load(expert);
            if (network is not SwiGluExpert { IsScripted: true } one)
            {
                throw new ArgumentException($"Expert {expert} is no SwiGLU network with silu.", nameof(load));
            }

            first ??= empty([experts, 2 * one.IntermediateSize, one.HiddenSize], one.Type, gate.device).DetachFromDisposeScope();
            second ??= empty([experts, one.HiddenSize, one.IntermediateSize], one.Type, gate.device).DetachFromDisposeScope();
            using Tensor ups = first.select(0, expert);
            using Tensor downs = second.select(0, expert);
            ups.copy_(one.GateAndUp);
            downs.copy_(one.Down);
        }

        return new ScriptedLayer(gate, first!, second!, topK);
    }

    /// <summary>Computes the layer.</summary>
    /// <param name="rows">Float32 [T,H] on its device.</param>
    /// <returns>[T,H] of <see cref="Type"/>; the caller disposes it.</returns>
    public Tensor Forward(Tensor rows) => _unit.invoke<Tensor>("layer", rows, _gate, _numbers, _first, _second, _topK);

    /// <summary>Computes nothing but its products, on any rows: what the rest of a layer is measured against.</summary>
    /// <param name="rows">[T·k,H] of <see cref="Type"/>, sorted by expert.</param>
    /// <param name="inner">[T·k,F] of that type.</param>
    /// <param name="ends">Int32 [E] on its device: where each expert's rows end.</param>
    public void Products(Tensor rows, Tensor inner, Tensor ends)
    {
        foreach (Tensor product in _unit.invoke<Tensor[]>("bare", rows, inner, _first, _second, ends))
        {
            product.Dispose();
        }
    }

    /// <summary>Frees the weights.</summary>
    public void Dispose()
    {
        _gate.Dispose();
        _numbers.Dispose();
        _first.Dispose();
        _second.Dispose();
    }
}
