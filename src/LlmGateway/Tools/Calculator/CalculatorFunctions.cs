using System.Collections.Frozen;

namespace LlmGateway.Tools.Calculator;

/// <summary>The functions and constants that an expression may name. A result that is no finite number is told by the parser.</summary>
internal static class CalculatorFunctions
{
    private const int LargestFactorial = 170;

    private static readonly FrozenDictionary<string, CalculatorNumber> Constants = new Dictionary<string, CalculatorNumber>
    {
        ["pi"] = CalculatorNumber.Of(Math.PI),
        ["π"] = CalculatorNumber.Of(Math.PI),
        ["e"] = CalculatorNumber.Of(Math.E),
        ["tau"] = CalculatorNumber.Of(Math.Tau),
    }.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);

    private static readonly FrozenDictionary<string, Function> Functions = new Dictionary<string, Function>
    {
        ["sqrt"] = Real(Math.Sqrt),
        ["cbrt"] = Real(Math.Cbrt),
        ["sin"] = Real(Math.Sin),
        ["cos"] = Real(Math.Cos),
        ["tan"] = Real(Math.Tan),
        ["asin"] = Real(Math.Asin),
        ["acos"] = Real(Math.Acos),
        ["atan"] = Real(Math.Atan),
        ["atan2"] = Real(Math.Atan2),
        ["sinh"] = Real(Math.Sinh),
        ["cosh"] = Real(Math.Cosh),
        ["tanh"] = Real(Math.Tanh),
        ["exp"] = Real(Math.Exp),
        ["ln"] = Real(Logarithm(Math.Log)),
        ["log"] = new(1, 2, arguments => CalculatorNumber.Of(arguments[0].Value <= 0 ? double.NaN : arguments.Count == 1 ? Math.Log10(arguments[0].Value) : Math.Log(arguments[0].Value, arguments[1].Value))),
        ["log10"] = Real(Logarithm(Math.Log10)),
        ["log2"] = Real(Logarithm(Math.Log2)),
        ["abs"] = new(1, 1, arguments => arguments[0].Value < 0 ? -arguments[0] : arguments[0]),
        ["sign"] = Real(value => double.IsNaN(value) ? value : Math.Sign(value)),
        ["floor"] = new(1, 1, arguments => arguments[0].Map(decimal.Floor, Math.Floor)),
        ["ceil"] = new(1, 1, arguments => arguments[0].Map(decimal.Ceiling, Math.Ceiling)),
        ["trunc"] = new(1, 1, arguments => arguments[0].Map(decimal.Truncate, Math.Truncate)),
        ["round"] = new(1, 2, Round),
        ["min"] = new(1, 64, arguments => arguments.MinBy(value => value.Value)),
        ["max"] = new(1, 64, arguments => arguments.MaxBy(value => value.Value)),
        ["sum"] = new(1, 64, arguments => arguments.Aggregate((a, b) => a + b)),
        ["avg"] = new(1, 64, arguments => arguments.Aggregate((a, b) => a + b) / CalculatorNumber.Exact(arguments.Count)),
        ["pow"] = new(2, 2, arguments => CalculatorNumber.Power(arguments[0], arguments[1])),
        ["mod"] = new(2, 2, arguments => CalculatorNumber.Modulo(arguments[0], arguments[1])),
        ["hypot"] = Real((a, b) => double.Hypot(a, b)),
        ["factorial"] = new(1, 1, arguments => Factorial(arguments[0])),
        ["gcd"] = new(2, 2, arguments => Gcd(arguments[0], arguments[1])),
        ["deg"] = Real(value => value * 180 / Math.PI),
        ["rad"] = Real(value => value * Math.PI / 180),
    }.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);

    /// <summary>The functions' names, for the model.</summary>
    public static string Names { get; } = string.Join(", ", Functions.Keys.Order(StringComparer.Ordinal));

    public static bool TryGetConstant(string name, out CalculatorNumber value) => Constants.TryGetValue(name, out value);

    public static bool TryGetFunction(string name, out Function? function) => Functions.TryGetValue(name, out function);

    /// <summary>Not a number where it is not defined, or too large.</summary>
    public static CalculatorNumber Factorial(CalculatorNumber value)
    {
        if (!value.IsInteger || value.Value is not (>= 0 and <= LargestFactorial))
        {
            return CalculatorNumber.Of(double.NaN);
        }

        var result = CalculatorNumber.Exact(1);
        for (var i = 2; i <= (int)value.Value; i++)
        {
            result *= CalculatorNumber.Exact(i);
        }

        return result;
    }

    private static CalculatorNumber Round(IReadOnlyList<CalculatorNumber> arguments)
    {
        var digits = arguments.Count == 2 ? arguments[1].Value : 0;
        if (digits is not (>= 0 and <= 15) || Math.Truncate(digits) != digits)
        {
            return CalculatorNumber.Of(double.NaN);
        }

        return arguments[0].Map(
            value => decimal.Round(value, (int)digits, MidpointRounding.AwayFromZero),
            value => Math.Round(value, (int)digits, MidpointRounding.AwayFromZero));
    }

    private static CalculatorNumber Gcd(CalculatorNumber a, CalculatorNumber b)
    {
        if (!a.IsInteger || !b.IsInteger || Math.Abs(a.Value) >= 1e15 || Math.Abs(b.Value) >= 1e15)
        {
            return CalculatorNumber.Of(double.NaN);
        }

        var (x, y) = ((long)Math.Abs(a.Value), (long)Math.Abs(b.Value));
        while (y != 0)
        {
            (x, y) = (y, x % y);
        }

        return CalculatorNumber.Exact(x);
    }

    /// <summary>At 0 it has no value, where floating point says minus infinity.</summary>
    private static Func<double, double> Logarithm(Func<double, double> function) => value => value > 0 ? function(value) : double.NaN;

    private static Function Real(Func<double, double> function) => new(1, 1, arguments => CalculatorNumber.Of(function(arguments[0].Value)));

    private static Function Real(Func<double, double, double> function) => new(2, 2, arguments => CalculatorNumber.Of(function(arguments[0].Value, arguments[1].Value)));

    /// <summary>A function and how many arguments it takes.</summary>
    internal sealed record Function(int MinArguments, int MaxArguments, Func<IReadOnlyList<CalculatorNumber>, CalculatorNumber> Apply);
}
