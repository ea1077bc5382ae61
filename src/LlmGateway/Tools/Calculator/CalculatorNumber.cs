using System.Globalization;

namespace LlmGateway.Tools.Calculator;

/// <summary>A number that stays exact (28 digits) as long as arithmetic lets it, and is a double from then on: 0.1 + 0.2 is 0.3, and 2 ^ 64 has all its digits.</summary>
internal readonly struct CalculatorNumber
{
    private const double LargestExact = 7.9e28;

    private readonly decimal _exact;

    private CalculatorNumber(decimal exact)
    {
        _exact = exact;
        IsExact = true;
        Value = (double)exact;
    }

    private CalculatorNumber(double value) => Value = value;

    public bool IsExact { get; }

    public double Value { get; }

    public bool IsInteger => IsExact ? decimal.Truncate(_exact) == _exact : Math.Truncate(Value) == Value;

    public static CalculatorNumber Exact(decimal value) => new(value);

    /// <summary>A double; one that is a small whole number is exact.</summary>
    public static CalculatorNumber Of(double value) =>
        Math.Abs(value) < 1e15 && Math.Truncate(value) == value ? new CalculatorNumber((decimal)value) : new CalculatorNumber(value);

    public static CalculatorNumber operator +(CalculatorNumber a, CalculatorNumber b) =>
        BothExact(a, b) && (Math.Abs(a.Value) + Math.Abs(b.Value)) * Power10(Math.Max(a._exact.Scale, b._exact.Scale)) < LargestExact
            ? new(a._exact + b._exact)
            : Of(a.Value + b.Value);

    public static CalculatorNumber operator -(CalculatorNumber a) => a.IsExact ? new(-a._exact) : new(-a.Value);

    public static CalculatorNumber operator -(CalculatorNumber a, CalculatorNumber b) => a + -b;

    public static CalculatorNumber operator *(CalculatorNumber a, CalculatorNumber b) =>
        BothExact(a, b) && a._exact.Scale + b._exact.Scale <= 28 && Math.Abs(a.Value * b.Value) * Power10(a._exact.Scale + b._exact.Scale) < LargestExact
            ? new(a._exact * b._exact)
            : Of(a.Value * b.Value);

    public static CalculatorNumber operator /(CalculatorNumber a, CalculatorNumber b)
    {
        if (BothExact(a, b) && b._exact != 0 && Math.Abs(a.Value / b.Value) < LargestExact)
        {
            var quotient = new CalculatorNumber(Shorten(a._exact / b._exact));
            var back = quotient * b;
            if (back.IsExact && back._exact == a._exact)
            {
                return quotient;
            }
        }

        return Of(a.Value / b.Value);
    }

    /// <summary>What is left of a division; it has the sign of the divisor, as in mathematics.</summary>
    public static CalculatorNumber Modulo(CalculatorNumber a, CalculatorNumber b)
    {
        if (BothExact(a, b) && b._exact != 0)
        {
            var rest = a._exact % b._exact;
            return new(rest != 0 && rest < 0 != b._exact < 0 ? rest + b._exact : rest);
        }

        return Of(a.Value - (b.Value * Math.Floor(a.Value / b.Value)));
    }

    /// <summary>Not a number where it would divide by zero.</summary>
    public static CalculatorNumber Power(CalculatorNumber a, CalculatorNumber b)
    {
        if (a.Value == 0 && b.Value < 0)
        {
            return Of(double.NaN);
        }

        if (a.IsExact && b is { IsExact: true, IsInteger: true } && Math.Abs(b.Value) <= 128)
        {
            var result = new CalculatorNumber(1m);
            for (var i = 0; i < (int)Math.Abs(b.Value); i++)
            {
                result *= a;
            }

            if (result.IsExact)
            {
                return b.Value < 0 ? new CalculatorNumber(1m) / result : result;
            }
        }

        return Of(Math.Pow(a.Value, b.Value));
    }

    /// <summary>The same function on whichever kind of number it is.</summary>
    public CalculatorNumber Map(Func<decimal, decimal> exact, Func<double, double> real) => IsExact ? new(exact(_exact)) : Of(real(Value));

    /// <summary>Digits with a point, or scientific; the same in every culture.</summary>
    public override string ToString()
    {
        if (IsExact)
        {
            return Shorten(_exact).ToString(CultureInfo.InvariantCulture);
        }

        var text = Value.ToString("G15", CultureInfo.InvariantCulture);
        return text == "-0" ? "0" : text;
    }

    private static bool BothExact(CalculatorNumber a, CalculatorNumber b) => a.IsExact && b.IsExact;

    /// <summary>Without zeros at the end.</summary>
    private static decimal Shorten(decimal value) => value / 1.0000000000000000000000000000m;

    private static double Power10(int exponent) => Math.Pow(10, exponent);
}
