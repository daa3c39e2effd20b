using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe.Routing;

/// <summary>
/// The token's id decides, by a fixed table (Roller et al. 2021, "Hash Layers For Large Sparse Models", arXiv:2106.04426). The gate has
/// no parameters and no gradient; experts learn as usual. Weight 1.
/// </summary>
public sealed class HashGate : Gate
{
    private readonly Tensor _table;
    private readonly long _vocabulary;

    /// <summary>Creates a gate.</summary>
    /// <param name="table">The expert of each token id, see <see cref="HashTable"/>; copied.</param>
    /// <param name="experts">E.</param>
    /// <param name="device">Where tokens are routed; null for the CPU.</param>
    /// <exception cref="ArgumentException">An empty table, or one that names an expert out of range.</exception>
    public HashGate(IReadOnlyList<int> table, int experts, Device? device = null)
        : base("base-hash", experts)
    {
        ArgumentNullException.ThrowIfNull(table);
        if (table.Count == 0 || table.Any(e => (uint)e >= (uint)experts))
        {
            throw new ArgumentException($"A hash table names experts 0 to {experts - 1} for at least one token id.", nameof(table));
        }

        _vocabulary = table.Count;
        _table = tensor(table.Select(e => (long)e).ToArray(), device: device).DetachFromDisposeScope();
        register_buffer("table", _table);
    }

    /// <inheritdoc/>
    public override GradientKind Gradient => GradientKind.None;

    /// <inheritdoc/>
    protected override GateResult RouteCore(GateInput input, RoutingContext context)
    {
        ArgumentNullException.ThrowIfNull(input);
        ArgumentNullException.ThrowIfNull(context);
        Tensor ids = input.TokenIds ?? throw new ArgumentException("Hash routing goes by token ids: set GateInput.TokenIds.", nameof(input));
        long tokens = input.Rows.shape[0];
        long[] shape = ids.shape;
        if (shape.Length != 1 || shape[0] != tokens || ids.dtype != ScalarType.Int64)
        {
            throw new ArgumentException($"Token ids {ids.dtype} [{string.Join(", ", shape)}] for {tokens} rows; int64 [T] is needed.", nameof(input));
        }

        if (tokens > 0 && ids.lt(0).logical_or(ids.ge(_vocabulary)).any().item<bool>())
        {
            throw new ArgumentException($"A token id is outside 0 … {_vocabulary - 1}, the table's vocabulary.", nameof(input));
        }

        return new GateResult(new SlotAssignment
        {
            Tokens = tokens,
            Experts = Experts,
            Expert = _table.index_select(0, ids).unsqueeze(1),
            Weight = ones(tokens, 1, dtype: context.Precision, device: ids.device),
        });
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        // A finaliser may see an object whose constructor threw.
        if (disposing)
        {
            _table.Dispose();
        }

        base.Dispose(disposing);
    }
}
