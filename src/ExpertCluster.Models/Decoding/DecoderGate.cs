using System.Numerics.Tensors;
using ExpertCluster.Moe;
using ExpertCluster.Tensors;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Models.Decoding;

/// <summary>A layer's gate: a projection to router logits in float32, and a rule that turns them into choices. Equal scores go to the lower index.</summary>
public sealed class DecoderGate : IDisposable
{
    private readonly Tensor _weight;
    private readonly Tensor? _bias;
    private readonly float[]? _correction;

    /// <summary>Creates a gate that owns its weights.</summary>
    /// <param name="rule">What follows from the logits.</param>
    /// <param name="weight">Float32 [E,H], detached from any dispose scope.</param>
    /// <param name="bias">Float32 [E], part of the logits, or null.</param>
    /// <param name="correction">[E], added to the scores for choosing but not for weighing (DeepSeek-V3), or null.</param>
    public DecoderGate(RouterRule rule, Tensor weight, Tensor? bias = null, float[]? correction = null)
    {
        Rule = rule;
        _weight = weight;
        _bias = bias;
        _correction = correction;
    }

    /// <summary>The rule.</summary>
    public RouterRule Rule { get; }

    /// <summary>Routes a batch. Call on the executor's thread.</summary>
    /// <param name="rows">Float32 [T,H] on the weight's device.</param>
    /// <param name="tokens">T.</param>
    /// <param name="logits">Receives the router logits [T,E] as float32, row-major.</param>
    /// <exception cref="NotFiniteNumberException">A logit is NaN or infinite.</exception>
    public RoutingDecision Forward(Tensor rows, int tokens, out float[] logits)
    {
        using Tensor scores = nn.functional.linear(rows, _weight, _bias);
        logits = new float[tokens * Rule.Experts];
        TensorMemory.CopyTo(scores, logits);
        return Route(logits, tokens, Rule, _correction);
    }

    /// <summary>The decision that follows from router logits [T,E]; pure arithmetic on the host.</summary>
    /// <exception cref="NotFiniteNumberException">A logit is NaN or infinite.</exception>
    public static RoutingDecision Route(ReadOnlySpan<float> logits, int tokens, RouterRule rule, float[]? correction = null)
    {
        ArgumentNullException.ThrowIfNull(rule);
        if (rule is { Sigmoid: true } or { Groups: > 1 } || correction is not null)
        {
            return GroupLimitedRouting.Route(logits, tokens, rule, correction);
        }

        RoutingDecision decision = TopKGate.Route(logits, tokens, rule.Experts, rule.TopK, rule.Normalise);
        if (rule.Scale != 1)
        {
            TensorPrimitives.Multiply(decision.Weights, (float)rule.Scale, decision.Weights);
        }

        for (int slot = 0; rule.ExpertsByRank is { } fixedExperts && slot < decision.Experts.Length; slot++)
        {
            decision.Experts[slot] = fixedExperts[slot % rule.TopK];
        }

        return decision;
    }

    /// <summary>Frees the weights.</summary>
    public void Dispose()
    {
        _weight.Dispose();
        _bias?.Dispose();
    }
}
