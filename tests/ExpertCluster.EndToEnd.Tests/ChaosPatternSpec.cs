using System.Runtime.InteropServices;
using CsCheck;
using ExpertCluster.Cli.Benchmarks.Lane.Chaos;

namespace ExpertCluster.EndToEnd.Tests;

/// <summary>What <c>bench lane --chaos</c> takes for a right answer.</summary>
public sealed class ChaosPatternSpec
{
    private static readonly Gen<(ulong Id, int Values)> Requests = Gen.Select(Gen.ULong, Gen.Int[2, 300]);

    [Fact]
    public void The_answer_to_a_request_is_right_for_its_id_and_no_other() => Gen.Select(Requests, Gen.ULong).Sample((request, other) =>
    {
        var answer = Answer(request);
        Assert.True(ChaosPattern.IsAnswer(answer, request.Id));
        Assert.True(other == request.Id || !ChaosPattern.IsAnswer(answer, other));
    });

    [Fact]
    public void One_bit_that_is_wrong_makes_it_wrong() => Gen.Select(Requests, Gen.Int[0, 299], Gen.Int[0, 31]).Sample((request, at, bit) =>
    {
        var answer = Answer(request);
        var bits = MemoryMarshal.Cast<float, uint>(answer.AsSpan());
        bits[at % bits.Length] ^= 1u << bit;
        Assert.False(ChaosPattern.IsAnswer(answer, request.Id));
    });

    private static float[] Answer((ulong Id, int Values) request)
    {
        var (sent, answer) = (new float[request.Values], new float[request.Values]);
        ChaosPattern.Request(sent, request.Id);
        ChaosPattern.Answer(sent, answer);
        return answer;
    }
}
