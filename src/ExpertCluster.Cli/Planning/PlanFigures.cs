namespace ExpertCluster.Cli.Planning;

/// <summary>Figures of a placement of all layers.</summary>
/// <param name="BalancednessMean">Mean ÷ max over GPUs, mean over layers.</param>
/// <param name="BalancednessMin">The same, least over layers.</param>
/// <param name="SecondCopies">Copies on a GPU that has another of the same expert, all layers.</param>
internal sealed record PlanFigures(double BalancednessMean, double BalancednessMin, int SecondCopies)
{
    /// <summary>Counted from slots alone, by what EPLB calls balancedness: copies of an expert share its load evenly.</summary>
    /// <param name="loads">[layers][experts].</param>
    /// <param name="slots">GPU and expert of each replica, by layer.</param>
    /// <param name="gpus">GPUs.</param>
    public static PlanFigures Of(double[][] loads, IReadOnlyList<IReadOnlyList<(int Gpu, int Expert)>> slots, int gpus)
    {
        var (sum, least, second) = (0.0, double.PositiveInfinity, 0);
        for (var layer = 0; layer < loads.Length; layer++)
        {
            var (copies, work) = (new int[loads[layer].Length], new double[gpus]);
            foreach (var (_, expert) in slots[layer])
            {
                copies[expert]++;
            }

            foreach (var (gpu, expert) in slots[layer])
            {
                work[gpu] += loads[layer][expert] / copies[expert];
            }

            var most = work.Max();
            var balancedness = most > 0 ? work.Average() / most : 1;
            (sum, least) = (sum + balancedness, Math.Min(least, balancedness));
            second += slots[layer].Count - slots[layer].Distinct().Count();
        }

        return new PlanFigures(sum / loads.Length, least, second);
    }
}
