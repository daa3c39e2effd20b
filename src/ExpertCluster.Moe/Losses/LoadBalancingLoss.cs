using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe.Losses;

/// <summary>
/// Products of the share of tokens an expert gets, f, which has no gradient, and its mean probability, P. All are computed before
/// capacity, are 0 for no tokens, and lie in the current dispose scope.
/// </summary>
public static class LoadBalancingLoss
{
    /// <summary>E·Σ f·P with f of first choices; 1 at uniform (GShard, arXiv:2006.16668; Switch, arXiv:2101.03961, equation 4).</summary>
    /// <param name="probabilities">[T,E].</param>
    /// <param name="chosen">Int64 [T,K], first choices first.</param>
    /// <param name="groups">Groups of consecutive tokens; the loss is the mean of theirs.</param>
    public static Tensor FirstChoice(Tensor probabilities, Tensor chosen, int groups = 1)
    {
        ArgumentNullException.ThrowIfNull(chosen);
        return Product(probabilities, chosen.narrow(1, 0, 1), groups);
    }

    /// <summary>E·Σ f·P with f of all k choices together; k at uniform (flaxformer <c>routing.py</c>).</summary>
    /// <inheritdoc cref="FirstChoice"/>
    public static Tensor Union(Tensor probabilities, Tensor chosen, int groups = 1) => Product(probabilities, chosen, groups);

    /// <summary><see cref="Union"/> over k; 1 at uniform (DeepSpeed's general top-k).</summary>
    /// <inheritdoc cref="FirstChoice"/>
    public static Tensor DeepSpeed(Tensor probabilities, Tensor chosen, int groups = 1)
    {
        ArgumentNullException.ThrowIfNull(chosen);
        return Product(probabilities, chosen, groups) / chosen.shape[1];
    }

    /// <summary>
    /// E·Σ over choices and experts of the share of tokens with that choice times P; k at uniform (Hugging Face's Mixtral; the same value
    /// as <see cref="Union"/>, since the shares of a token's choices add up). See <see cref="AuxiliaryLoss"/> for all layers at once.
    /// </summary>
    /// <inheritdoc cref="FirstChoice"/>
    public static Tensor PerChoice(Tensor probabilities, Tensor chosen) => Product(probabilities, chosen, 1);

    /// <summary>E/(T·k)·⟨counts, ΣP⟩/T: <see cref="DeepSpeed"/> without groups (MegaBlocks <c>layers/moe.py</c>, one layer).</summary>
    /// <inheritdoc cref="FirstChoice"/>
    public static Tensor MegaBlocks(Tensor probabilities, Tensor chosen) => DeepSpeed(probabilities, chosen);

    /// <summary>
    /// mesh-TF's loss on second choices, off by default there: E·Σ f₂·P₂·0.5 with f₂ of second choices and P₂ the mean of the gates
    /// normalised without the first choice.
    /// </summary>
    /// <inheritdoc cref="FirstChoice"/>
    public static Tensor SecondPlace(Tensor probabilities, Tensor chosen, int groups = 1)
    {
        ArgumentNullException.ThrowIfNull(probabilities);
        ArgumentNullException.ThrowIfNull(chosen);
        using var scope = NewDisposeScope();
        Tensor first = chosen.narrow(1, 0, 1);
        Tensor rest = probabilities.scatter(1, first, zeros_like(first, dtype: probabilities.dtype));
        rest = rest / (rest.sum(1, keepdim: true) + 1e-9);
        return (Product(rest, chosen.narrow(1, 1, 1), groups) * 0.5).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Per sequence Σ f·P with f = E/(k·T)·count and P the mean of the affinities normalised per token; 1 at uniform (DeepSeek-V3,
    /// arXiv:2412.19437, equations 17–20). A token whose affinities all underflow to 0 counts for no expert.
    /// </summary>
    /// <inheritdoc cref="FirstChoice"/>
    public static Tensor SequenceWise(Tensor probabilities, Tensor chosen, int groups = 1)
    {
        ArgumentNullException.ThrowIfNull(probabilities);
        using var scope = NewDisposeScope();
        return DeepSpeed(probabilities / (probabilities.sum(1, keepdim: true) + 1e-20), chosen, groups).MoveToOuterDisposeScope();
    }

    private static Tensor Product(Tensor probabilities, Tensor chosen, int groups)
    {
        ArgumentNullException.ThrowIfNull(probabilities);
        ArgumentNullException.ThrowIfNull(chosen);
        using var scope = NewDisposeScope();
        long[] shape = probabilities.shape;
        (long tokens, long experts, long choices) = (shape[0], shape[1], chosen.shape[1]);
        if (groups < 1 || tokens % groups != 0 || chosen.shape[0] != tokens)
        {
            throw new ArgumentException($"Choices [{string.Join(", ", chosen.shape)}] of {tokens} tokens in {groups} groups.", nameof(chosen));
        }

        if (tokens == 0)
        {
            return zeros([], dtype: probabilities.dtype, device: probabilities.device).MoveToOuterDisposeScope();
        }

        long size = tokens / groups;
        Tensor keys = chosen;
        if (groups > 1)
        {
            Tensor group = arange(tokens, dtype: ScalarType.Int64, device: chosen.device).div(size, RoundingMode.floor);
            keys = chosen + (group * experts).unsqueeze(1);
        }

        Tensor share = keys.reshape(-1).bincount(null, groups * experts).to(probabilities.dtype).view(groups, experts) / size;
        Tensor mean = probabilities.view(groups, size, experts).mean([1L]);
        return ((share * mean).sum(1).mean() * experts).MoveToOuterDisposeScope();
    }
}
