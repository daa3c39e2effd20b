using BenchmarkDotNet.Attributes;
using ExpertCluster.Models.Tokenization;

namespace ExpertCluster.Benchmarks;

/// <summary>Encoding with folio-moe's tokenizer, byte-level BPE.</summary>
[MemoryDiagnoser]
public class TokenizerBenchmark
{
    private const string Sentence = "But soft, what light through yonder window breaks? It is the east, and Juliet is the sun.\n";

    private readonly ITextTokenizer _tokenizer = TokenizerLoader.Open(Folio.Directory);
    private string _text = "";

    /// <summary>How often the sentence of 90 characters stands in the text.</summary>
    [Params(1, 100)]
    public int Sentences { get; set; }

    /// <summary>Makes the text.</summary>
    [GlobalSetup]
    public void SetUp() => _text = string.Concat(Enumerable.Repeat(Sentence, Sentences));

    /// <summary>To token ids.</summary>
    [Benchmark]
    public int Encode() => _tokenizer.Encode(_text).Count;
}
