namespace ExpertCluster.Moe.Routing;

/// <summary>How a gate's parameters learn from the task's loss.</summary>
public enum GradientKind
{
    /// <summary>Through the weights of the chosen experts, exact wherever the choice does not flip.</summary>
    Exact,

    /// <summary>The forward pass is hard, the backward pass is that of the probabilities (Bengio et al. 2013, arXiv:1308.3432).</summary>
    StraightThrough,

    /// <summary>Score function: add <see cref="Losses.ReinforceLoss"/> to the loss (Williams 1992).</summary>
    Reinforce,

    /// <summary>None: the gate has nothing to learn.</summary>
    None,
}
