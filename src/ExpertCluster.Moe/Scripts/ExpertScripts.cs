using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ExpertCluster.Moe;

/// <summary>
/// All SwiGLU experts of a batch in one call: each step a slab's experts by two grouped products, or one expert by two plain ones. The host
/// waits for nothing in between; a step costs it the interpreter's 1 to 2 µs an operation, where a call from .NET takes 8 to 12.
/// </summary>
internal static class ExpertScripts
{
    /// <summary>What both texts begin with. A step is three numbers: rows, groups (0 for one expert) and the place of the groups' ends.</summary>
    private const string Head =
        "def experts(staged, plan, first: List[Tensor], second: List[Tensor]):\n"
        + "    steps: List[int] = plan.tolist()\n"
        + "    hidden = steps[0]\n"
        + "    rows = staged.narrow(0, 0, steps[1] * hidden).view(steps[1], hidden)\n"
        + "    parts: List[Tensor] = []\n"
        + "    start = 0\n"
        + "    for i in range(len(first)):\n"
        + "        count = steps[2 + 3 * i]\n"
        + "        part = rows.narrow(0, start, count)\n"
        + "        start = start + count\n";

    private const string Plain =
        "gate, up = torch.chunk(torch.linear(part, first[i]), 2, 1)\n"
        + "{0}parts.append(torch.linear(torch.silu(gate) * up, second[i]))\n";

    // 3 is int32: in a string that is compiled a dtype is its number. TorchScript knows no view as another dtype, only its copy.
    private const string Grouped =
        "        groups = steps[3 + 3 * i]\n"
        + "        if groups > 0:\n"
        + "            words = groups * 4 // staged.element_size()\n"
        + "            ends = torch.view_copy(staged.narrow(0, steps[4 + 3 * i], words), dtype=3)\n"
        + "            gate, up = torch.chunk(torch._grouped_mm(part, first[i].transpose(1, 2), ends), 2, 1)\n"
        + "            parts.append(torch._grouped_mm(torch.silu(gate) * up, second[i].transpose(1, 2), ends))\n"
        + "        else:\n";

    private const string Tail = "    return parts[0] if len(parts) == 1 else torch.cat(parts)\n";

    private static readonly Lazy<jit.CompilationUnit> Unit = new(() => FixedScript.Compile(Text(FixedScript.HasGroupedProduct)));

    /// <summary>The script, with or without grouped products.</summary>
    internal static string Text(bool grouped) => grouped
        ? Head + Grouped + "            " + Plain.Replace("{0}", "            ", StringComparison.Ordinal) + Tail
        : Head + "        " + Plain.Replace("{0}", "        ", StringComparison.Ordinal) + Tail;

    /// <summary>Computes.</summary>
    /// <param name="staged">One-dimensional, of the weights' type: rows, then the ends of groups as int32, 16-byte aligned.</param>
    /// <param name="plan">Int64 in host memory: H, the number of rows, and three numbers a step.</param>
    /// <param name="first">For each step [2F,H], or a slab [S,2F,H].</param>
    /// <param name="second">For each step [H,F], or a slab [S,H,F].</param>
    /// <returns>[rows, H]; the caller disposes it.</returns>
    public static Tensor Run(Tensor staged, Tensor plan, Tensor[] first, Tensor[] second) =>
        Unit.Value.invoke<Tensor>("experts", staged, plan, first, second);
}
