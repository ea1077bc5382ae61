using System.Collections.Frozen;
using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using LlmGateway.Access;
using LlmGateway.Model;

namespace LlmGateway.Tests.Access;

/// <summary>How long a wrong key takes to be refused tells nothing of how near it came. Interleaved in random order, so that a busy machine is busy for all alike.</summary>
public sealed class ClientKeyTimingTests(ITestOutputHelper output)
{
    private const int Tries = 20_000;
    private const int Keys = 100;
    private const double LeastLikelihood = 0.01;

    private static readonly TimeSpan Noise = TimeSpan.FromMicroseconds(2);
    private static readonly string Right = MintedKeyText.Create();

    /// <summary>Wrong in its first byte, right but for its last one, and nothing like any key.</summary>
    private static readonly string[] Wrong = ["x" + Right[1..], Right[..^1] + (Right[^1] == 'x' ? 'y' : 'x'), MintedKeyText.Create()];

    [Fact]
    public void A_key_that_is_nearly_right_is_refused_as_fast_as_any_other()
    {
        var keys = Enumerable.Range(0, Keys).Select(_ => MintedKeyText.Create()).Append(Right)
            .ToFrozenDictionary(text => Convert.ToHexStringLower(Hash(text)), text => new ClientKey { Name = "k", Sha256 = Hash(text) });
        var now = DateTimeOffset.UnixEpoch;
        Assert.NotNull(ClientKeyCheck.Find(keys, FrozenDictionary<string, ClientKey>.Empty, Right, now));

        var pairs = Measure(presented => ClientKeyCheck.Find(keys, FrozenDictionary<string, ClientKey>.Empty, presented, now));

        Assert.All(pairs, pair => Assert.False(pair.IsTold, pair.ToString()));
    }

    /// <summary>A comparison that ends at the first difference, were each byte as dear as 100 ns, is told apart.</summary>
    [Fact]
    public void The_measurement_would_show_a_comparison_that_ends_early()
    {
        var pairs = Measure(presented =>
        {
            var (start, same) = (Stopwatch.GetTimestamp(), presented.AsSpan().CommonPrefixLength(Right));
            while (Stopwatch.GetElapsedTime(start) < TimeSpan.FromMicroseconds(0.1 * same))
            {
                Thread.SpinWait(1);
            }

            return null;
        });

        Assert.Contains(pairs, pair => pair.IsTold);
    }

    /// <summary>Each kind compared with each other.</summary>
    private List<Pair> Measure(Func<string, ClientKey?> find)
    {
        int[] order = [.. Enumerable.Range(0, Wrong.Length * Tries).Select(i => i % Wrong.Length)];
        new Random(20261001).Shuffle(order);
        var times = Wrong.Select(_ => new List<long>(Tries)).ToArray();
        foreach (var kind in order[..Tries])
        {
            // Compiled as it will stay.
            Assert.Null(find(Wrong[kind]));
        }

        foreach (var kind in order)
        {
            var start = Stopwatch.GetTimestamp();
            var found = find(Wrong[kind]);
            times[kind].Add(Stopwatch.GetTimestamp() - start);
            Assert.Null(found);
        }

        Array.ForEach(times, one => one.Sort());
        var pairs = new List<Pair>();
        foreach (var (one, other) in (ReadOnlySpan<(int, int)>)[(0, 1), (0, 2), (1, 2)])
        {
            var difference = Stopwatch.GetElapsedTime(0, Math.Abs(times[one][Tries / 2] - times[other][Tries / 2]));
            var pair = new Pair(one, other, difference, MannWhitney(times[one], times[other]));
            output.WriteLine($"A06: {pair}");
            pairs.Add(pair);
        }

        return pairs;
    }

    /// <summary>How likely two samples of one distribution would differ so much (two-sided, by the normal approximation, corrected for ties). Both are sorted.</summary>
    private static double MannWhitney(List<long> one, List<long> other)
    {
        double n = one.Count, m = other.Count, ranks = 0, ties = 0;
        for (int i = 0, j = 0; i < one.Count || j < other.Count;)
        {
            var value = i < one.Count && (j == other.Count || one[i] <= other[j]) ? one[i] : other[j];
            var (first, second) = (i, j);
            while (i < one.Count && one[i] == value)
            {
                i++;
            }

            while (j < other.Count && other[j] == value)
            {
                j++;
            }

            double tied = i - first + j - second;
            ranks += (i - first) * (first + second + ((tied + 1) / 2));
            ties += (tied * tied * tied) - tied;
        }

        var u = ranks - (n * (n + 1) / 2);
        var deviation = Math.Sqrt(n * m / 12 * (n + m + 1 - (ties / ((n + m) * (n + m - 1)))));
        return ErrorComplement(Math.Abs(u - (n * m / 2)) / deviation / Math.Sqrt(2));
    }

    /// <summary>The complement of the error function (Abramowitz and Stegun 7.1.26, good to seven digits).</summary>
    private static double ErrorComplement(double x)
    {
        var t = 1 / (1 + (0.3275911 * x));
        return t * (0.254829592 + (t * (-0.284496736 + (t * (1.421413741 + (t * (-1.453152027 + (t * 1.061405429)))))))) * Math.Exp(-x * x);
    }

    private static byte[] Hash(string text) => SHA256.HashData(Encoding.UTF8.GetBytes(text));

    /// <param name="Difference">Of the medians.</param>
    /// <param name="Likelihood">That chance alone makes such a difference (p).</param>
    private sealed record Pair(int One, int Other, TimeSpan Difference, double Likelihood)
    {
        public bool IsTold => Likelihood <= LeastLikelihood && Difference >= Noise;

        public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"kinds {One} and {Other}: medians differ by {Difference.TotalNanoseconds:0} ns, p = {Likelihood:0.0000}");
    }
}
