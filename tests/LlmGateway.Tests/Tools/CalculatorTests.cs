using System.Globalization;
using System.Text;
using System.Text.Json;
using LlmGateway.Tools.Calculator;

namespace LlmGateway.Tests.Tools;

public sealed class CalculatorTests
{
    [Theory]
    [InlineData("2+2*3", "8")]
    [InlineData("(2+2)*3", "12")]
    [InlineData("2^3^2", "512")]
    [InlineData("2**10", "1024")]
    [InlineData("-2^2", "-4")]
    [InlineData("(-2)^2", "4")]
    [InlineData("2^-2", "0.25")]
    [InlineData("--3", "3")]
    [InlineData("1 - -1", "2")]
    [InlineData("8/2/2", "2")]
    [InlineData("10 - 2 - 3", "5")]
    [InlineData("0.1 + 0.2", "0.3")]
    [InlineData("1/3", "0.333333333333333")]
    [InlineData("1/3*3", "1")]
    [InlineData("2^64", "18446744073709551616")]
    [InlineData("123456789*987654321", "121932631112635269")]
    [InlineData("10 % 3", "1")]
    [InlineData("-10 % 3", "2")]
    [InlineData("mod(10, 4)", "2")]
    [InlineData("10%", "0.1")]
    [InlineData("15% of 200", "30")]
    [InlineData("200 * 15%", "30")]
    [InlineData("(1+5%)^2", "1.1025")]
    [InlineData("5!", "120")]
    [InlineData("3!!", "720")]
    [InlineData("factorial(0)", "1")]
    [InlineData("170!", "7.25741561530799E+306")]
    [InlineData("1.5e3", "1500")]
    [InlineData(".5", "0.5")]
    [InlineData("sqrt(16) + cbrt(27)", "7")]
    [InlineData("sin(0)+cos(0)+tan(0)", "1")]
    [InlineData("asin(1)*2/pi", "1")]
    [InlineData("acos(1)+atan(0)", "0")]
    [InlineData("ln(e)", "1")]
    [InlineData("log(1000)", "3")]
    [InlineData("log10(100)", "2")]
    [InlineData("log(8, 2)", "3")]
    [InlineData("exp(0)", "1")]
    [InlineData("abs(-5.5)", "5.5")]
    [InlineData("floor(-1.5)", "-2")]
    [InlineData("ceil(1.2)", "2")]
    [InlineData("round(2.5)", "3")]
    [InlineData("round(2.345, 2)", "2.35")]
    [InlineData("min(3, 1, 2) + max(3, 1, 2)", "4")]
    [InlineData("pow(2, 0.5)", "1.4142135623731")]
    [InlineData("PI", "3.14159265358979")]
    [InlineData("6 × 7 ÷ 2", "21")]
    [InlineData("  1\t+\n1 ", "2")]
    public void Evaluates(string expression, string expected)
    {
        var (value, error) = CalculatorParser.Evaluate(expression);

        Assert.Null(error);
        Assert.Equal(expected, value.ToString());
    }

    [Theory]
    [InlineData("", "too early")]
    [InlineData("1 +", "too early")]
    [InlineData("(1", "Expected ')'")]
    [InlineData("1)", "position 2")]
    [InlineData("1 2", "position 3")]
    [InlineData("1\0+1", "position 2")]
    [InlineData("1/0", "Division by zero")]
    [InlineData("5 mod 0", "Division by zero")]
    [InlineData("sqrt(-1)", "not defined")]
    [InlineData("ln(0)", "'ln' is not defined")]
    [InlineData("log(0)", "'log' is not defined")]
    [InlineData("log(0, 2)", "'log' is not defined")]
    [InlineData("log10(-1)", "'log10' is not defined")]
    [InlineData("log2(0)", "'log2' is not defined")]
    [InlineData("exp(1000)", "too large")]
    [InlineData("0^-1", "Division by zero")]
    [InlineData("pow(0, -2)", "'pow' is not defined")]
    [InlineData("mod(5, 0)", "'mod' is not defined")]
    [InlineData("(-8)^0.5", "not a real number")]
    [InlineData("10^400", "too large")]
    [InlineData("1e999", "too large")]
    [InlineData("171!", "factorial")]
    [InlineData("1.5!", "factorial")]
    [InlineData("9^9^9^9", "too large")]
    [InlineData("sqrt 4", "Expected '('")]
    [InlineData("sqrt(1, 2)", "takes 1 arguments")]
    [InlineData("System.Diagnostics.Process.Start(1)", "not a known function")]
    [InlineData("__import__('os')", "not expected")]
    [InlineData("1;rm", "not expected")]
    [InlineData("{{7*7}}", "not expected")]
    [InlineData("\u001b[31m1", "'?' is not expected")]
    public void Says_what_is_wrong(string expression, string expected)
    {
        var (_, error) = CalculatorParser.Evaluate(expression);

        Assert.Contains(expected, error, StringComparison.Ordinal);
    }

    [Fact]
    public void Length_and_depth_are_bounded()
    {
        Assert.Contains("longer", CalculatorParser.Evaluate(new string('1', CalculatorParser.MaxLength + 1)).Error, StringComparison.Ordinal);
        Assert.Contains("nested", CalculatorParser.Evaluate(new string('(', 500) + "1" + new string(')', 499)).Error, StringComparison.Ordinal);
        Assert.Contains("nested", CalculatorParser.Evaluate(string.Concat(Enumerable.Repeat("1^", 400)) + "1").Error, StringComparison.Ordinal);
        Assert.Null(CalculatorParser.Evaluate(new string('-', 998) + "1").Error);
    }

    [Fact]
    public void The_culture_changes_nothing()
    {
        var before = CultureInfo.CurrentCulture;
        var german = (CultureInfo)CultureInfo.InvariantCulture.Clone();
        (german.NumberFormat.NumberDecimalSeparator, german.NumberFormat.NumberGroupSeparator) = (",", ".");
        CultureInfo.CurrentCulture = german;
        try
        {
            Assert.Equal("0.75", CalculatorParser.Evaluate("1.5/2").Value.ToString());
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    /// <summary>Whatever comes in, an answer comes out: a finite number or a text.</summary>
    [Fact]
    public void No_input_makes_it_throw()
    {
        var random = new Random(20_240_517);
        string[] pieces = ["1", "2.5", "0", "9e99", "1e-300", "+", "-", "*", "/", "^", "**", "%", "!", "(", ")", ",", " ", "sqrt(", "ln(", "max(", "pi", "e", "mod", "of", "log(", "round(", "gcd(", ".", "é", "\ud800", "\0", "\u202e", "79228162514264337593543950335"];
        for (var i = 0; i < 50_000; i++)
        {
            var text = new StringBuilder();
            for (var length = random.Next(1, 14); length > 0; length--)
            {
                text.Append(pieces[random.Next(pieces.Length)]);
            }

            var (value, error) = CalculatorParser.Evaluate(text.ToString());

            Assert.True(error is { Length: > 0 } || double.IsFinite(value.Value), $"{text} came to {value}");
        }
    }

    /// <summary>What it says of sums and products of whole numbers is what arithmetic says.</summary>
    [Fact]
    public void Random_expressions_agree_with_arithmetic()
    {
        var random = new Random(7);
        for (var i = 0; i < 2000; i++)
        {
            var (text, value) = Build(random, 4);

            Assert.Equal(value.ToString(CultureInfo.InvariantCulture), CalculatorParser.Evaluate(text).Value.ToString());
        }
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("""{"expression":null}""")]
    [InlineData("""{"expression":["1"]}""")]
    [InlineData("""{"expression":"\ud800"}""")]
    public async Task Arguments_of_another_shape_are_an_error_text(string arguments)
    {
        using var document = JsonDocument.Parse(arguments);

        var output = await new CalculatorTool().InvokeAsync(document.RootElement, null!, CancellationToken.None);

        Assert.True(output.IsError);
        Assert.Contains("expression", output.Text, StringComparison.Ordinal);
    }

    private static (string Text, long Value) Build(Random random, int depth)
    {
        if (depth == 0)
        {
            var number = random.Next(0, 100);
            return (number.ToString(CultureInfo.InvariantCulture), number);
        }

        var (left, a) = Build(random, depth - 1);
        var (right, b) = Build(random, random.Next(depth));
        return random.Next(4) switch
        {
            0 => ($"({left}) + ({right})", a + b),
            1 => ($"({left}) - ({right})", a - b),
            2 => ($"-({left})", -a),
            _ when Math.Abs(a) < 1_000_000 && Math.Abs(b) < 1_000_000 => ($"({left})*({right})", a * b),
            _ => ($"+({left})", a),
        };
    }
}
