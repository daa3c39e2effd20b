using System.Text;

namespace ExpertCluster.Tests.Tokenization;

/// <summary>Builds precompiled_charsmap blobs: a double-array trie in Darts-clone's layout, one 256-unit block per node.</summary>
internal static class CharacterMapWriter
{
    public static byte[] Build(params (string From, string To)[] rules)
    {
        var replacements = new MemoryStream();
        var root = new Node();
        foreach (var (from, to) in rules)
        {
            var node = root;
            foreach (byte label in Encoding.UTF8.GetBytes(from))
            {
                if (!node.Children.TryGetValue(label, out var child)) node.Children[label] = child = new Node();
                node = child;
            }

            node.Value = (int)replacements.Length;
            replacements.Write(Encoding.UTF8.GetBytes(to));
            replacements.WriteByte(0);
        }

        var units = new List<uint>(new uint[256]);
        Place(root, 0, 0, units);
        var blob = new MemoryStream();
        blob.Write(BitConverter.GetBytes(units.Count * 4));
        foreach (uint unit in units) blob.Write(BitConverter.GetBytes(unit));
        blob.Write(replacements.ToArray());
        return blob.ToArray();
    }

    // The node sits at `at` with its label; its children's block begins at a multiple of 256, so exclusive-or with a label stays inside.
    private static void Place(Node node, int at, byte label, List<uint> units)
    {
        uint block = (uint)units.Count;
        units.AddRange(new uint[256]);
        units[at] = (((uint)at ^ block) << 10) | (node.Value >= 0 ? 1u << 8 : 0) | label;
        if (node.Value >= 0) units[(int)block] = (uint)node.Value | 1u << 31;
        foreach (var (childLabel, child) in node.Children) Place(child, (int)(block ^ childLabel), childLabel, units);
    }

    private sealed class Node
    {
        public SortedDictionary<byte, Node> Children { get; } = [];

        public int Value { get; set; } = -1;
    }
}
