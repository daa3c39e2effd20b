using CsCheck;
using ExpertCluster.Models.Inspection;

namespace ExpertCluster.Tests.Inspection;

public sealed class HypergeometricSpec
{
    [Fact]
    public void The_mean_is_that_of_all_ways_to_draw()
    {
        for (int population = 1; population <= 9; population++)
        {
            for (int marked = 0; marked <= population; marked++)
            {
                for (int drawn = 0; drawn <= population; drawn++)
                {
                    Hypergeometric.MeanNLogN(population, marked, drawn).Should().BeApproximately(
                        OverAllDraws(population, marked, drawn), 1e-12, $"{drawn} drawn of {population}, {marked} marked");
                }
            }
        }
    }

    [Fact]
    public void Which_part_is_called_marked_and_which_drawn_does_not_matter() => Gen.Select(Gen.Int[1, 300_000], Gen.Double.Unit, Gen.Double.Unit)
        .Sample((population, a, b) =>
        {
            (int marked, int drawn) = ((int)(a * population), (int)(b * population));
            double one = Hypergeometric.MeanNLogN(population, marked, drawn);
            double other = Hypergeometric.MeanNLogN(population, drawn, marked);
            Math.Abs(one - other).Should().BeLessThanOrEqualTo(1e-9 * (1 + one));

            // n log n is convex: its mean is at least its value at the mean.
            one.Should().BeGreaterThanOrEqualTo(Hypergeometric.NLogN((double)marked * drawn / population) - 1e-6);
        });

    private static double OverAllDraws(int population, int marked, int drawn)
    {
        double sum = 0;
        int draws = 0;
        for (int set = 0; set < 1 << population; set++)
        {
            if (int.PopCount(set) == drawn)
            {
                draws++;
                sum += Hypergeometric.NLogN(int.PopCount(set & ((1 << marked) - 1)));
            }
        }

        return sum / draws;
    }
}
